/** The program `quern`. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const program = resolve(import.meta.dirname, '../../packages/quern/bin/quern.js');

/** What a command prints. Throws where it fails. */
export function quern(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`quern ${args.join(' ')} exited with ${status}: ${stderr.slice(-2000)}`);
  return stdout;
}
