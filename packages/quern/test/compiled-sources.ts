import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll } from 'vitest';

/**
 * Compiles the sources as they are now before the tests of a file, for processes of their own that Node runs. Returns a
 * function that gives the address of a module by its path, such as `lexical/index-builder.js`.
 */
export function compiledSources(): (module: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'quern-compiled-'));
  beforeAll(async () => {
    const tsc = join(
      dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
      'bin',
      'tsc',
    );
    const project = resolve(import.meta.dirname, '..');
    const flags = ['--composite', 'false', '--declaration', 'false', '--sourceMap', 'false', '--noCheck'];
    await once(spawn(process.execPath, [tsc, '-p', project, '--outDir', folder, ...flags]), 'close');
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return (module) => pathToFileURL(join(folder, module)).href;
}
