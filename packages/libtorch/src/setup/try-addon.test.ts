import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { hasLibTorch } from '../../test/has-libtorch.ts';
import { LibTorchError } from '../errors.ts';
import { native } from '../native.ts';
import { tryAddon } from './try-addon.ts';

/** The names that the sources of this package give to `operator`. */
function namesInSources(): string[] {
  const folder = join(import.meta.dirname, '..');
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  return files.flatMap((name) => {
    const calls = readFileSync(join(folder, name), 'utf8').matchAll(/\boperator\('([^']+)'\)/g);
    return [...calls].map(([, operator]) => operator);
  });
}

describe.skipIf(!hasLibTorch)('trying an addon', () => {
  it('names an operator that LibTorch lacks, and finds every one that the package uses', () => {
    const addon = native();
    const find = addon.operator;
    const found = new Set<string>();
    const lookUp = vi.spyOn(addon, 'operator');
    lookUp.mockImplementation((name, overload) => {
      if (name === '_fused_adamw_') throw new LibTorchError('UNSUPPORTED', `no operator ${name}`);
      found.add(overload === '' ? name : `${name}.${overload}`);
      return find(name, overload);
    });
    expect(tryAddon).toThrow('no operator _fused_adamw_');
    found.add('_fused_adamw_');
    lookUp.mockImplementation(find);
    tryAddon();
    expect([...found].sort()).toEqual([...new Set(namesInSources())].sort());
  });
});
