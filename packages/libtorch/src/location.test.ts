import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { libtorchFiles, writeFiles } from '../test/fake-machine.ts';
import { temporaryFolder } from '../test/temporary-folder.ts';
import { addonState, buildName, buildsFolder, builtForNow, type Build, type BuiltFor } from './location.ts';

const root = temporaryFolder();

it.each([
  ['LIBTORCH_BUILDS', { LIBTORCH_BUILDS: '/builds', QUERN_CACHE: '/cache' }, '/builds'],
  ['QUERN_CACHE', { LIBTORCH_BUILDS: '', QUERN_CACHE: '/cache' }, join('/cache', 'libtorch')],
  ['XDG_CACHE_HOME', { XDG_CACHE_HOME: '/caches' }, join('/caches', 'quern', 'libtorch')],
])('builds lie where %s says', (_, env, folder) => {
  expect(buildsFolder(env)).toBe(folder);
});

it("builds lie in Quern's part of the system's caches where nothing is said", () => {
  expect(buildsFolder({}).startsWith(homedir())).toBe(true);
  expect(buildsFolder({}).endsWith(join('quern', 'libtorch'))).toBe(true);
});

function libtorchOf(version: string): string {
  return writeFiles(mkdtempSync(join(root, 'libtorch-')), libtorchFiles(version));
}

/** Writes a build whose addon is `text` and returns its folder. */
function build(folder: string, wanted: BuiltFor, text = 'an addon'): string {
  const sha256 = createHash('sha256').update(text).digest('hex');
  const facts: Build = { ...wanted, compiler: 'c++', size: text.length, sha256 };
  const path = join(folder, buildName(wanted));
  return writeFiles(path, { 'libtorch.node': text, 'build.json': JSON.stringify(facts) });
}

/** A folder that is to have a build for a LibTorch, which is the one in use. */
function builds(): { folder: string; libtorch: string; wanted: BuiltFor } {
  const folder = mkdtempSync(join(root, 'builds-'));
  const libtorch = libtorchOf('2.13.0');
  writeFiles(folder, { 'current.json': JSON.stringify({ libtorch }) });
  return { folder, libtorch, wanted: builtForNow(libtorch, '2.13.0') };
}

describe('the addon that is used', () => {
  it('is that for the LibTorch which was set up last, whatever other builds there are', () => {
    const { folder, wanted } = builds();
    for (const other of [{ node: '18.0.0' }, { sources: 'x' }, { libtorch: '/other' }]) {
      build(folder, { ...wanted, ...other });
    }
    const path = build(folder, wanted);
    const current = { ...wanted, addon: join(path, 'libtorch.node'), size: 8 };
    expect(addonState(folder, {})).toMatchObject({ state: 'current', build: current });
  });

  it('is that for LIBTORCH where it is set', () => {
    const { folder, wanted } = builds();
    const other = libtorchOf('2.14.0');
    build(folder, wanted);
    build(folder, builtForNow(other, '2.14.0'));
    const found = { state: 'current', build: { libtorch: other, version: '2.14.0' } };
    expect(addonState(folder, { LIBTORCH: `${other}/` })).toMatchObject(found);
  });

  it.each([
    ['{}', 'does not say what was built'],
    ['null', 'does not say what was built'],
    ['5', 'does not say what was built'],
    ['[]', 'does not say what was built'],
    ['"str"', 'does not say what was built'],
    ['x', 'does not say what was built'],
    ['{"libtorch": {"a": 1}, "version": 5}', 'does not say what was built'],
    [
      '{"libtorch":"/","version":"2.13.0","node":"","sources":"","compiler":"","size":8,"sha256":""}',
      'is that of another build',
    ],
  ])('is stale where build.json is %s', (text, why) => {
    const { folder, wanted } = builds();
    const facts = join(build(folder, wanted), 'build.json');
    writeFileSync(facts, text);
    expect(addonState(folder, {})).toEqual({ state: 'stale', why: `${facts} ${why}` });
  });

  it.each([
    ['cut off', 'an add', 'is damaged: it has 6 bytes, and was built with 8'],
    ['empty', '', 'is damaged: it has 0 bytes, and was built with 8'],
    ['changed', 'an odder', 'is damaged: its bytes are not those that were built'],
    ['gone', undefined, 'is not there'],
  ])('is stale where its file is %s', (_, text, why) => {
    const { folder, wanted } = builds();
    const addon = join(build(folder, wanted), 'libtorch.node');
    rmSync(addon);
    if (text !== undefined) writeFileSync(addon, text);
    expect(addonState(folder, {})).toEqual({ state: 'stale', why: `${addon} ${why}` });
  });

  it('is stale where current.json names no LibTorch and LIBTORCH is not set, and missing without builds', () => {
    const { folder, wanted } = builds();
    const path = build(folder, wanted);
    const current = join(folder, 'current.json');
    const why = `${current} does not say which LibTorch is used`;
    for (const text of ['null', '5', '{"libtorch":5}', '{"libtorch":""}', '[]', 'x']) {
      writeFileSync(current, text);
      expect(addonState(folder, {})).toEqual({ state: 'stale', why });
    }
    rmSync(path, { recursive: true });
    expect(addonState(folder, {})).toEqual({ state: 'missing' });
    expect(addonState(join(folder, 'none'), {})).toEqual({ state: 'missing' });
  });
});

describe('an addon that was built is stale where', () => {
  it.each([
    ['Node', { node: '18.0.0' }, `it was built for Node 18.0.0, and this is ${process.versions.node}`],
    ['the sources', { sources: 'x' }, 'it was built from the sources of another version of this package'],
  ])('%s are others since', (_, other, why) => {
    const { folder, wanted } = builds();
    build(folder, { ...wanted, ...other });
    expect(addonState(folder, {})).toEqual({ state: 'stale', why });
  });

  it('LibTorch is another since, or no more there', () => {
    const { folder, libtorch, wanted } = builds();
    build(folder, { ...wanted, version: '2.12.0' });
    const changed = `it was built for LibTorch 2.12.0, and ${libtorch} now has 2.13.0`;
    expect(addonState(folder, {})).toEqual({ state: 'stale', why: changed });
    rmSync(libtorch, { recursive: true });
    const gone = `there is no LibTorch in ${libtorch} any more`;
    expect(addonState(folder, {})).toEqual({ state: 'stale', why: gone });
  });

  it('none is for LIBTORCH', () => {
    const { folder, libtorch, wanted } = builds();
    build(folder, wanted);
    const other = libtorchOf('2.13.0');
    const why = `it was built for the LibTorch in ${libtorch}, not in ${other}`;
    expect(addonState(folder, { LIBTORCH: other })).toEqual({ state: 'stale', why });
  });
});
