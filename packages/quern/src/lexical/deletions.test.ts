import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { segmentFileOf } from '../../test/segment-file.ts';
import { indexOf, someTexts } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { QuernError } from '../errors.ts';
import { deletedBefore, isDeleted, liveDocuments } from './deletions.ts';
import { readDeletions, withDeleted, writeDeletions } from './deletions.ts';
import { IndexFile } from './index-file.ts';

const folder = temporaryFolder();

/** The segment of {@link someTexts}. */
async function someSegment(): Promise<IndexFile> {
  const home = await mkdtemp(join(folder, 'home-'));
  await (await indexOf(home, someTexts)).close();
  const [name] = await readdir(home);
  const file = await IndexFile.open(await segmentFileOf(join(home, name)));
  onTestFinished(() => file.close());
  return file;
}

it('count what the deleted documents take part in, however many at a time they were deleted, and are read back', async () => {
  const file = await someSegment();
  const texts = Object.values(someTexts).map((text) => text.split(' '));
  const terms = [...new Set(texts.flat())].sort();
  const path = join(folder, 'deleted-1-2.quern');
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.nat({ max: 59 }), { minLength: 1 }),
      fc.nat(),
      async (numbers, cut) => {
        const first = numbers.slice(0, cut % numbers.length);
        const before = first.length > 0 ? await withDeleted(file, undefined, first) : undefined;
        const deletions = await withDeleted(file, before, numbers.slice(first.length));
        await writeDeletions(path, deletions);
        const read = await readDeletions(path, file.table);
        expect(read).toEqual(deletions);
        const sorted = numbers.toSorted((a, b) => a - b);
        const deleted = sorted.map((number) => texts[number]);
        const counts = terms.map((term) => deleted.filter((text) => text.includes(term)).length);
        const affected = [...terms.keys()].filter((term) => counts[term] > 0);
        expect([...read.documents]).toEqual(sorted);
        expect([...read.terms]).toEqual(affected);
        expect([...read.documentFrequencies]).toEqual(counts.filter((count) => count > 0));
        expect(read.documentsWithTerms).toBe(deleted.length);
        expect(read.tokens).toBe(deleted.flat().length);
        expect(read.postings).toBe(counts.reduce((a, b) => a + b, 0));
        const live = Array.from({ length: 60 }, (_, i) => i).filter((number) => !numbers.includes(number));
        expect([...liveDocuments(60, read)]).toEqual(live);
        for (let i = 0; i < 60; i++) {
          expect(isDeleted(read, i)).toBe(numbers.includes(i));
          expect(deletedBefore(read.documents, i)).toBe(numbers.filter((number) => number < i).length);
        }
      },
    ),
    { numRuns: 30 },
  );
});

it('that were cut or changed by a bit are CORRUPT_FILE or WRONG_VERSION, and so are those of another segment', async () => {
  const file = await someSegment();
  const path = join(folder, 'deleted-1-3.quern');
  await writeDeletions(path, await withDeleted(file, undefined, [3, 59]));
  const bytes = await readFile(path);
  const codes = new Set<unknown>();
  const attempt = async (changed: Uint8Array): Promise<void> => {
    await writeFile(path, changed);
    codes.add(
      await readDeletions(path, file.table).then(
        () => 'read',
        (error: unknown) => (error instanceof QuernError ? error.code : error),
      ),
    );
  };
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] ^= 1 << (bit & 7);
    await attempt(changed);
  }
  for (let length = 0; length < bytes.length; length++) await attempt(bytes.subarray(0, length));
  expect([...codes].sort()).toEqual(['CORRUPT_FILE', 'WRONG_VERSION']);
  await writeFile(path, bytes);
  const smaller = { ...file.table, documents: 59 };
  await expect(readDeletions(path, smaller)).rejects.toMatchObject({ code: 'CORRUPT_FILE', where: path });
});
