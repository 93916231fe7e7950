import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { cachePart, dataPart, devicePart, nodePart, sevenZipPart, torchParts } from './doctor.ts';
import { isInRange, optionalPackages } from './optional-packages.ts';

const root = temporaryFolder();

function install(folder: string, name: string, version: string): void {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, 'package.json'), JSON.stringify({ name, version }));
}

describe('optional packages', () => {
  const folders = [join(root, 'near/node_modules'), join(root, 'node_modules')];

  it('are there, missing or of another version, each with the command that mends it', () => {
    install(folders[1], 'lmdb', '3.9.0');
    install(folders[0], 'openai', '5.1.0');
    install(folders[1], 'openai', '6.50.0');
    const wanted = {
      lmdb: '^3.5.6',
      openai: '^6.49.0',
      usearch: '~2.25.3',
      '@huggingface/transformers': '^4.3.1',
    };
    const transformers = 'ONNXRUNTIME_NODE_INSTALL=skip npm install @huggingface/transformers';
    expect(optionalPackages({ wanted, folders })).toEqual([
      { part: 'lmdb', state: 'ok', what: '3.9.0; it remembers reasoned queries' },
      {
        part: 'openai',
        state: 'stale',
        what: expect.stringContaining('5.1.0, and ^6.49.0 is needed') as string,
        mend: 'npm install openai',
      },
      expect.objectContaining({ part: 'usearch', state: 'missing', mend: 'npm install usearch@2.25.3' }),
      expect.objectContaining({ part: '@huggingface/transformers', state: 'missing', mend: transformers }),
    ]);
  });

  it('are those of the manifest, and each says what it is for', () => {
    const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const { peerDependencies } = JSON.parse(manifest) as { peerDependencies: object };
    const parts = optionalPackages();
    expect(parts.map(({ part }) => part)).toEqual(Object.keys(peerDependencies));
    for (const { what } of parts) expect(what).not.toContain('is optional');
  });

  it.each([
    ['3.5.6', '^3.5.6', true],
    ['3.6.0', '^3.5.6', true],
    ['3.5.5', '^3.5.6', false],
    ['3.4.9', '^3.5.6', false],
    ['4.0.0', '^3.5.6', false],
    ['2.25.9', '~2.25.3', true],
    ['2.25.2', '~2.25.3', false],
    ['2.26.0', '~2.25.3', false],
    ['2.25.4-beta.1', '~2.25.3', true],
  ])('of version %s are in the range %s: %s', (version, range, isIn) => {
    expect(isInRange(version, range)).toBe(isIn);
  });
});

it.each([
  ['20.19.0', 'ok'],
  ['24.1.0', 'ok'],
  ['20.18.9', 'stale'],
  ['18.20.0', 'stale'],
])('Node %s is %s', (version, state) => {
  expect(nodePart(version)).toMatchObject({ state });
});

it('a 7-Zip program is one on PATH, or that of the package', () => {
  const packaged = { part: '7zip-bin', state: 'ok', what: '' } as const;
  expect(sevenZipPart({ PATH: '' }, [packaged])).toMatchObject({ state: 'ok', what: 'that of 7zip-bin' });
  expect(sevenZipPart({ PATH: '' }, [])).toMatchObject({ state: 'missing', mend: 'npm install 7zip-bin' });
});

it('local data lie where QUERN_DATA says, if that is a folder', () => {
  expect(dataPart({ QUERN_DATA: root })).toEqual({ part: 'local data', state: 'ok', what: root });
  expect(dataPart({})).toMatchObject({ state: 'missing' });
  expect(dataPart({ QUERN_DATA: join(root, 'none') })).toMatchObject({ state: 'missing' });
});

it('the cache folder need not be there, but the place for it has to be', () => {
  expect(cachePart(join(root, 'not/yet'))).toMatchObject({ state: 'ok' });
  expect(cachePart('/proc/1/none')).toMatchObject({ state: 'missing' });
});

it('the cache folder is no file, nor below one', () => {
  const file = join(root, 'file');
  writeFileSync(file, '');
  for (const [folder, there] of [
    [file, file],
    [join(file, 'x/y'), file],
    ['/dev/null', '/dev/null'],
  ]) {
    const what = `${folder} cannot be used: ${there} is no folder; QUERN_CACHE names another`;
    expect(cachePart(folder)).toEqual({ part: 'cache folder', state: 'missing', what });
  }
});

it.each([
  [undefined, 'ok', 'a GPU where'],
  ['cpu', 'ok', 'cpu (QUERN_DEVICE)'],
  ['gpu', 'missing', 'QUERN_DEVICE: is cpu, cuda or cuda:N, not "gpu"'],
  ['cuda:x', 'missing', 'QUERN_DEVICE: is cpu, cuda or cuda:N, not "cuda:x"'],
  ['cuda:1', 'missing', 'QUERN_DEVICE is cuda:1, and there is no driver'],
])('the device %s is %s', (device, state, what) => {
  const part = devicePart({ QUERN_DEVICE: device }, { missing: 'there is no driver' });
  expect(part).toMatchObject({ state, what: expect.stringContaining(what) as string });
  expect(part.mend).toBe(state === 'ok' ? undefined : 'unset QUERN_DEVICE');
});

it('a device on a GPU is right where there is one', () => {
  expect(devicePart({ QUERN_DEVICE: 'cuda:1' }, { found: 'two H100' })).toMatchObject({ state: 'ok' });
});

it('LibTorch and its addon are mended by one command', () => {
  const missing = { missing: 'there is none' };
  const [why, state] = ['it was built for another', 'stale'] as const;
  const none = { libtorch: missing, python: missing, compiler: missing, headers: missing, gpu: missing };
  const parts = torchParts({ ...none, addon: { state, why } });
  expect(parts.map(({ part, state: is, mend }) => [part, is, mend])).toEqual([
    ['Python', 'missing', undefined],
    ['C++ compiler', 'missing', undefined],
    ["Node's headers", 'missing', undefined],
    ['LibTorch', 'missing', 'quern setup torch'],
    ['LibTorch addon', 'stale', 'quern setup torch'],
    ['GPU', 'missing', undefined],
  ]);
});
