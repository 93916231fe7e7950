import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Part } from '../src/doctor/part.ts';
import { quern, quernJson } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';

const root = temporaryFolder();
const bare = {
  LIBTORCH_BUILDS: '',
  QUERN_CACHE: join(root, 'cache'),
  PATH: '',
  LIBTORCH: '',
  NODE_HEADERS: '',
  PYTHON: '',
  CXX: '',
  QUERN_DEVICE: '',
};

async function parts(env: Record<string, string>): Promise<Map<string, Part>> {
  const listed = await quernJson<Part[]>(['doctor'], { env: { ...bare, ...env } });
  return new Map(listed.map((part) => [part.part, part]));
}

it('lists every part, exits with 0 where parts are missing, and makes no folder', async () => {
  const { code, stdout, stderr } = await quern(['doctor'], { env: bare });
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^ok +Node +\d+\.\d+\.\d+$/m);
  expect(stdout).toMatch(/^missing +Python +there is no python3 that works$/m);
  expect(stdout).toMatch(/^missing +C\+\+ compiler +a C\+\+ compiler is needed/m);
  expect(stdout).toMatch(/^missing +LibTorch addon .*\n +\$ quern setup torch$/m);
  expect(stdout).toMatch(/^missing +local data +QUERN_DATA is not set/m);
  expect(stdout).toContain(bare.QUERN_CACHE);
});

it('lists them as JSON, with the command that mends each', async () => {
  const found = await parts({ QUERN_DATA: root });
  expect([...found.keys()]).toEqual(
    expect.arrayContaining([
      'Node',
      'lmdb',
      'usearch',
      '7-Zip',
      "Node's headers",
      'LibTorch',
      'GPU',
      'cache folder',
    ]),
  );
  expect(found.get('local data')).toEqual({ part: 'local data', state: 'ok', what: root });
  expect(found.get('LibTorch addon')).toMatchObject({ state: 'missing', mend: 'quern setup torch' });
});

it('says why an addon that was built is stale', async () => {
  const folder = join(root, 'stale/libtorch');
  mkdirSync(join(folder, 'one'), { recursive: true });
  const libtorch = join(root, 'torch');
  mkdirSync(libtorch);
  writeFileSync(join(libtorch, 'version.py'), "__version__ = '2.14.0'\n");
  const built = { libtorch, version: '2.13.0', node: process.versions.node, sources: 'x', compiler: 'c++' };
  writeFileSync(join(folder, 'one/build.json'), JSON.stringify({ ...built, size: 0, sha256: '' }));
  writeFileSync(join(folder, 'one/libtorch.node'), '');
  writeFileSync(join(folder, 'current.json'), JSON.stringify({ libtorch }));
  expect((await parts({ QUERN_CACHE: join(root, 'stale') })).get('LibTorch addon')).toEqual({
    part: 'LibTorch addon',
    state: 'stale',
    what: `it was built for LibTorch 2.13.0, and ${libtorch} now has 2.14.0`,
    mend: 'quern setup torch',
  });
});

it.each([
  ['no program', '/nope/python', 'there is no such program'],
  ['no Python', '/bin/ls', '/bin/ls does not work: '],
])('says that PYTHON is %s', async (_, PYTHON, why) => {
  const found = await parts({ PYTHON });
  for (const part of ['Python', 'LibTorch']) {
    const what = expect.stringContaining(`PYTHON is ${PYTHON}, and ${why}`) as string;
    expect(found.get(part)).toMatchObject({ state: 'missing', what });
  }
});

it('says that QUERN_DEVICE and QUERN_CACHE are none, and what is', async () => {
  const found = await parts({ QUERN_DEVICE: 'gpu', QUERN_CACHE: '/dev/null' });
  expect(found.get('device')).toMatchObject({ state: 'missing', mend: 'unset QUERN_DEVICE' });
  expect(found.get('cache folder')).toMatchObject({ state: 'missing' });
});
