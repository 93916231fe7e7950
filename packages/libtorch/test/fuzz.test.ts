import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasLibTorch } from './has-libtorch.ts';
import { temporaryFolder } from './temporary-folder.ts';

interface Told {
  readonly done: number;
  readonly returned: number;
  /** Errors of other classes than LibTorchError, with the call that threw them. */
  readonly others: Readonly<Record<string, string>>;
  /** Exports that are never called. */
  readonly uncalled: readonly string[];
  readonly memory: { readonly tensors: number };
}

const folder = temporaryFolder();

describe.skipIf(!hasLibTorch)('with arbitrary arguments', () => {
  it.each([3, 5])('every export returns or throws an error, and the process lives on: seed %i', (seed) => {
    const journal = join(folder, `journal-${seed}`);
    const calls = 2500;
    const program = join(import.meta.dirname, 'wild-calls.mjs');
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      ['--expose-gc', program, String(seed), String(calls), journal],
      { encoding: 'utf8' },
    );
    const last = status === 0 ? '' : `${readFileSync(journal, 'utf8').split('\n')[0]} ${stderr.slice(-2000)}`;
    expect({ status, signal, last }).toEqual({ status: 0, signal: null, last: '' });
    const told = JSON.parse(stdout.trim().split('\n').at(-1)!) as Told;
    expect(told.done).toBe(calls);
    expect(told.returned).toBeGreaterThan(calls / 4);
    expect(told.uncalled).toEqual([]);
    expect(told.others).toEqual({});
    expect(told.memory.tensors).toBeLessThan(20);
  });
});
