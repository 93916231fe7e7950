import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { libtorchFiles, writeFiles } from '../test/fake-machine.ts';
import { temporaryFolder } from '../test/temporary-folder.ts';
import { buildName, builtForNow } from './location.ts';
import { native } from './native.ts';

const root = temporaryFolder();
afterEach(() => {
  vi.unstubAllEnvs();
});

function builds(files: Readonly<Record<string, string>> = {}): string {
  const folder = writeFiles(mkdtempSync(join(root, 'builds-')), files);
  vi.stubEnv('LIBTORCH_BUILDS', folder);
  vi.stubEnv('LIBTORCH', '');
  return folder;
}

it('an addon that is not built is named with the command that builds it', () => {
  const message = `no addon for LibTorch is built in ${builds()}. Run \`quern setup torch\``;
  expect(native).toThrow(expect.objectContaining({ code: 'NOT_BUILT', message }));
});

it('an addon that is damaged is not loaded', () => {
  const libtorch = writeFiles(join(root, 'libtorch'), libtorchFiles('2.13.0'));
  const wanted = builtForNow(libtorch, '2.13.0');
  const name = buildName(wanted);
  const folder = builds({
    'current.json': JSON.stringify({ libtorch }),
    [`${name}/build.json`]: JSON.stringify({ ...wanted, compiler: 'c++', size: 100, sha256: '' }),
    [`${name}/libtorch.node`]: 'half',
  });
  const what =
    `the addon cannot be used: ${join(folder, name, 'libtorch.node')} is damaged: ` +
    'it has 4 bytes, and was built with 100';
  expect(native).toThrow(expect.objectContaining({ code: 'WRONG_VERSION', what }));
});
