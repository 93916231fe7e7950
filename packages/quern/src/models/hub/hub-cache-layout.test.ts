import { link, lstat, mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { filesNoted, linkWays, RepositoryCache, type LinkWay } from './hub-cache-layout.ts';

const folder = temporaryFolder();
const commit = 'c'.repeat(40);
const blobId = 'b'.repeat(40);
const sha256 = 'a'.repeat(64);
const [symbolic, hard, copied] = linkWays;

/** A way that the system does not have. */
const none: LinkWay = () => Promise.reject(Object.assign(new Error('no links here'), { code: 'EPERM' }));

/** A way for which there is no space. */
const full: LinkWay = () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }));

function newCache(): RepositoryCache {
  return new RepositoryCache(mkdtempSync(join(folder, 'cache-')), 'owner/name');
}

async function withBlob(cache: RepositoryCache, etag: string, content: string): Promise<void> {
  await mkdir(join(cache.folder, 'blobs'), { recursive: true });
  await writeFile(cache.blob(etag), content);
}

describe('a file of a snapshot', () => {
  const nested = { name: 'a/b/config.json', size: 7, blobId };

  it('is a relative link to its content', async () => {
    const cache = newCache();
    await withBlob(cache, blobId, 'content');
    await cache.linkFile(commit, nested);
    expect(await readlink(cache.file(commit, nested.name))).toBe(
      join('..', '..', '..', '..', 'blobs', blobId),
    );
    expect(await readFile(cache.file(commit, nested.name), 'utf8')).toBe('content');
  });

  it('is another name of the content where there are no symbolic links, and a copy where there are none at all', async () => {
    for (const ways of [
      [none, hard],
      [none, none, copied],
    ]) {
      const cache = newCache();
      await withBlob(cache, blobId, 'content');
      await cache.linkFile(commit, nested, ways);
      const path = cache.file(commit, nested.name);
      expect((await lstat(path)).isFile()).toBe(true);
      expect(await readFile(path, 'utf8')).toBe('content');
      expect(statSync(path).ino === statSync(cache.blob(blobId)).ino).toBe(ways.length === 2);
      expect(readdirSync(join(cache.folder, '.quern'))).toEqual([]);
      // Again, over what is there.
      await cache.linkFile(commit, nested, ways);
      expect(await readFile(path, 'utf8')).toBe('content');
    }
  });

  it('replaces what stands there, and what a killed one left on its way', async () => {
    const cache = newCache();
    const path = cache.file(commit, nested.name);
    await withBlob(cache, blobId, 'content');
    await mkdir(join(path, '..'), { recursive: true });
    await mkdir(join(cache.folder, '.quern'));
    await symlink('nowhere', path);
    await writeFile(join(cache.folder, '.quern', `${blobId}.link`), 'half a co');
    await cache.linkFile(commit, nested, [symbolic]);
    expect(await readFile(path, 'utf8')).toBe('content');
  });

  it('is refused with the system’s reason where it cannot be made', async () => {
    const cache = newCache();
    await withBlob(cache, blobId, 'content');
    await expect(cache.linkFile(commit, nested, [full, copied])).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(cache.linkFile(commit, nested, [none])).rejects.toMatchObject({ code: 'IO' });
    await link(cache.blob(blobId), join(cache.folder, 'snapshots', commit, 'a', 'b', 'other'));
    expect(readdirSync(join(cache.folder, 'snapshots', commit, 'a', 'b'))).toEqual(['other']);
  });
});

describe('what a revision was', () => {
  it('is a file with the commit, as huggingface_hub writes it', async () => {
    const cache = newCache();
    expect(await cache.commitOf('main')).toBeUndefined();
    await cache.writeCommitOf('main', commit);
    await cache.writeCommitOf('refs/pr/1', commit);
    expect(readFileSync(join(cache.folder, 'refs', 'main'), 'utf8')).toBe(commit);
    expect(await cache.commitOf('refs/pr/1')).toBe(commit);
    await cache.writeCommitOf('main', 'd'.repeat(40));
    expect(await cache.commitOf('main')).toBe('d'.repeat(40));
    expect(readdirSync(join(cache.folder, 'refs')).toSorted()).toEqual(['main', 'refs']);
    expect(readdirSync(join(cache.folder, '.quern'))).toEqual([]);
  });

  it('is unknown where the file holds no commit', async () => {
    const cache = newCache();
    await mkdir(join(cache.folder, 'refs'), { recursive: true });
    for (const text of ['', 'main', '../../../etc', commit.slice(1)]) {
      await writeFile(join(cache.folder, 'refs', 'main'), text);
      expect(await cache.commitOf('main')).toBeUndefined();
    }
  });
});

describe('the list of a repository’s files', () => {
  const files = [
    { name: 'config.json', size: 2, blobId },
    { name: 'model.safetensors', size: 70, blobId, sha256 },
  ];

  it('is noted, and read back', async () => {
    const cache = newCache();
    expect(await cache.listing(commit)).toBeUndefined();
    await cache.writeListing({ commit, files });
    expect(await cache.listing(commit)).toEqual({ commit, files });
  });

  it('is that of huggingface_hub where we noted none', async () => {
    const cache = newCache();
    await mkdir(join(cache.folder, 'trees'), { recursive: true });
    const noted = {
      format_version: 1,
      files: {
        'config.json': { size: 2, blob_id: blobId },
        'model.safetensors': {
          size: 70,
          blob_id: blobId,
          lfs_sha256: sha256,
          lfs_size: 70,
          xet_hash: sha256,
        },
      },
    };
    await writeFile(join(cache.folder, 'trees', `${commit}.json`), JSON.stringify(noted));
    expect(await cache.listing(commit)).toEqual({ commit, files });
  });

  it('is none where it is damaged, of another version, or leads elsewhere', () => {
    const file = { size: 2, blob_id: blobId };
    for (const noted of [
      '{"format_ver',
      null,
      [],
      { format_version: 2, files: {} },
      { format_version: 1 },
      { format_version: 1, files: null },
      { format_version: 1, files: { x: null } },
      { format_version: 1, files: { '../x': file } },
      { format_version: 1, files: { x: { ...file, blob_id: '../x' } } },
      { format_version: 1, files: { x: { ...file, lfs_sha256: '../x' } } },
      { format_version: 1, files: { x: { ...file, size: -1 } } },
    ]) {
      const json = typeof noted === 'string' ? noted : JSON.stringify(noted);
      expect([json, filesNoted(json)]).toEqual([json, undefined]);
    }
    expect(filesNoted(JSON.stringify({ format_version: 1, files: { x: file } }))).toHaveLength(1);
  });
});
