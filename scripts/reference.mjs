/**
 * Writes the reference of the library into docs/reference, from the docstrings of what packages export: `npm run reference`.
 * Its tools need a TypeScript of their own; they are in scripts/reference, and are installed when the reference is first made.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('reference', import.meta.url));
const stamp = join(folder, 'node_modules', '.quern-installed');
const lock = createHash('sha256')
  .update(readFileSync(join(folder, 'package-lock.json')))
  .digest('hex');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  const { status, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    process.stderr.write(`reference: its tools cannot be installed${error ? ` (${error.message})` : ''}\n`);
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}
const { writeReference } = await import('./reference/write-reference.mjs');
process.exitCode = (await writeReference()) ? 0 : 1;
