import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { QuernError } from '../errors.ts';
import { manifestText, openSnapshot, readManifest, writeManifest, type Manifest } from './manifest.ts';

const folder = temporaryFolder();

const manifest: Manifest = {
  generation: 7,
  analyzer: 'english',
  stored: true,
  nextSegment: 5,
  segments: [
    { file: 'segment-1.quern', documents: 9, postings: 40, bytes: 2000, checksum: 0xdeadbeef },
    {
      file: 'segment-4.quern',
      documents: 3,
      postings: 5,
      bytes: 900,
      checksum: 1,
      deletions: { file: 'deleted-4-7.quern', documents: 2 },
    },
  ],
  totals: { documents: 10, documentsWithTerms: 10, postings: 41, tokens: 99, deleted: 2 },
};

async function folderWith(text?: string | Uint8Array): Promise<string> {
  const index = await mkdtemp(join(folder, 'index-'));
  if (text !== undefined) await writeFile(join(index, 'manifest.json'), text);
  return index;
}

describe('a manifest', () => {
  it('is read as it was written', async () => {
    const index = await folderWith();
    await writeManifest(index, manifest);
    expect(await readManifest(index)).toEqual(manifest);
    expect(await readFile(join(index, 'manifest.json'), 'utf8')).toBe(manifestText(manifest));
  });

  it('that is missing is NOT_FOUND, beside an index of before there were segments WRONG_VERSION', async () => {
    const index = await folderWith();
    await expect(readManifest(index)).rejects.toMatchObject({ code: 'NOT_FOUND', where: index });
    await writeFile(join(index, 'index.quern'), 'old');
    await expect(readManifest(index)).rejects.toMatchObject({
      code: 'WRONG_VERSION',
      hint: expect.stringContaining('Build the index again'),
    });
    await mkdir(join(index, 'manifest.json'));
    await expect(readManifest(index)).rejects.toMatchObject({ code: 'CORRUPT_FILE' });
  });

  it('with any flipped bit, or cut, is damaged or says the same', async () => {
    const bytes = Buffer.from(manifestText(manifest));
    const index = await folderWith();
    const ends: unknown[] = [];
    const readBack = async (changed: Uint8Array): Promise<void> => {
      await writeFile(join(index, 'manifest.json'), changed);
      ends.push(
        await readManifest(index).catch((error: unknown) =>
          error instanceof QuernError ? error.code : error,
        ),
      );
    };
    for (let bit = 0; bit < bytes.length * 8; bit += 3) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] ^= 1 << (bit & 7);
      await readBack(changed);
    }
    for (let length = 0; length < bytes.length - 2; length += 5) await readBack(bytes.subarray(0, length));
    const others = ends.filter((end) => end !== 'CORRUPT_FILE' && end !== 'WRONG_VERSION');
    // Blanks between the values may become others.
    for (const other of others) expect(other).toEqual(manifest);
    expect(others.length).toBeLessThan(ends.length / 5);
  });

  it.each([
    ['a path for a segment', { segments: [{ ...manifest.segments[0], file: '../segment-1.quern' }] }],
    ['a segment number that is yet to come', { nextSegment: 4 }],
    ['a segment twice', { segments: [manifest.segments[0], manifest.segments[0]] }],
    ['more deleted than there is', { segments: [{ ...manifest.segments[1], documents: 1 }] }],
    ['totals that do not add up', { totals: { ...manifest.totals, documents: 11 } }],
    ['no analyzer', { analyzer: undefined }],
    ['nothing of segments', { segments: null }],
  ])('with a right checksum and %s is CORRUPT_FILE', async (_, changes) => {
    const index = await folderWith(manifestText({ ...manifest, ...changes } as unknown as Manifest));
    await expect(readManifest(index)).rejects.toMatchObject({ code: 'CORRUPT_FILE' });
  });
});

/** What opening a file that was removed from `index` throws. */
function gone(index: string): QuernError {
  return new QuernError('NOT_FOUND', 'no such file or folder', { where: join(index, 'segment-1.quern') });
}

describe('openSnapshot', () => {
  it('reads the manifest again where a file of it has gone because there is a new one', async () => {
    const index = await folderWith(manifestText(manifest));
    const seen: number[] = [];
    const opened = await openSnapshot(index, async ({ generation }) => {
      seen.push(generation);
      if (generation > 7) return 'opened';
      await writeManifest(index, { ...manifest, generation: 8 });
      throw gone(index);
    });
    expect([opened, seen]).toEqual(['opened', [7, 8]]);
  });

  it('says CORRUPT_FILE where a file is missing for good, and leaves other errors alone', async () => {
    const index = await folderWith(manifestText(manifest));
    const failing = (error: Error): Promise<never> => openSnapshot(index, () => Promise.reject(error));
    await expect(failing(gone(index))).rejects.toMatchObject({
      code: 'CORRUPT_FILE',
      where: join(index, 'segment-1.quern'),
    });
    await expect(failing(gone(folder))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(failing(new Error('other'))).rejects.toThrow('other');
    await rm(join(index, 'manifest.json'));
    await expect(failing(gone(index))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
