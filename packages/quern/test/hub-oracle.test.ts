/** The cache against the one that huggingface_hub makes of the same repository (`test/oracles/hub`). */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { FakeHub, sha256 } from './fake-hub.ts';
import { goldenFile } from './golden-file.ts';
import { TestCache } from './hub-cache.ts';
import { temporaryFolder } from './temporary-folder.ts';

interface Golden {
  readonly repository: string;
  readonly commit: string;
  readonly files: Readonly<Record<string, { readonly text: string; readonly lfs: boolean }>>;
  /** The cache's folder of the repository, and what is in it: texts, and `-> ` what links say. */
  readonly folder: string;
  readonly tree: Readonly<Record<string, string>>;
}

const golden = goldenFile<Golden>('hub/cache.json');
const { commit, repository } = golden;
const everything = { files: () => true };
const folder = temporaryFolder();
const hub = await FakeHub.start(
  Object.fromEntries(
    Object.entries(golden.files).map(([name, { text, lfs }]) => [name, lfs ? Buffer.from(text) : text]),
  ),
  repository,
);
hub.commit = commit;

beforeEach(() => hub.reset());

/** A cache as huggingface_hub leaves it. */
function theirCache(): TestCache {
  const cache = new TestCache(folder, hub);
  for (const [name, content] of Object.entries(golden.tree)) {
    const path = cache.repository(name);
    mkdirSync(dirname(path), { recursive: true });
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), path);
    else writeFileSync(path, content);
  }
  return cache;
}

it('what we download lies where huggingface_hub puts it, link by link', async () => {
  const cache = new TestCache(folder, hub);
  await cache.resolve(everything);
  await cache.resolve(everything, `${repository}@refs/pr/1`);
  expect(cache.repository()).toBe(join(cache.path, golden.folder));
  const list = `trees/${commit}.json`;
  const { [list]: theirList, ...theirs } = golden.tree;
  const { [`.quern/${commit}.json`]: ourList, ...ours } = cache.tree();
  const digests = Object.entries(theirs).map(([name, content]) => [
    name,
    content.startsWith('-> ') ? content : sha256(Buffer.from(content)),
  ]);
  expect(ours).toEqual(Object.fromEntries(digests));
  expect(ourList).toMatch(/^[0-9a-f]{64}$/);
  const noted = readFileSync(cache.repository('.quern', `${commit}.json`), 'utf8');
  expect(JSON.parse(noted)).toEqual(JSON.parse(theirList));
});

it('what huggingface_hub has downloaded is found, and nothing asked for', async () => {
  const cache = theirCache();
  const offline = { env: { HF_HUB_OFFLINE: '1' } };
  const sizes = Object.entries(golden.files).map(([name, { text }]) => [name, Buffer.from(text).length]);
  for (const id of [repository, `${repository}@refs/pr/1`, `${repository}@${commit}`]) {
    const model = await cache.resolve({ ...everything, ...offline }, id);
    expect(model.commit).toBe(commit);
    expect(Object.fromEntries(model.files.map(({ name, size }) => [name, size]))).toEqual(
      Object.fromEntries(sizes),
    );
  }
  await cache.resolve(everything, `${repository}@${commit}`);
  expect(hub.requests).toEqual([]);
  await cache.resolve(everything);
  expect(hub.filesAsked).toEqual([]);
});
