import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { putSegment, segmentFileOf } from '../../test/segment-file.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { IndexBuilder } from './index-builder.ts';
import { IndexFile } from './index-file.ts';
import { IndexFileWriter } from './index-file-writer.ts';
import { LexicalIndex } from './lexical-index.ts';
import { rareCode } from './posting-codes.ts';

const folder = temporaryFolder();

/** The numbers of some sections; a section that is not named stays as it is. */
type Columns = Readonly<Record<string, readonly number[]>>;

const arrayOf = {
  u8: (values: readonly number[]) => Uint8Array.from(values),
  u16: (values: readonly number[]) => Uint16Array.from(values),
  u32: (values: readonly number[]) => Uint32Array.from(values),
  i32: (values: readonly number[]) => Int32Array.from(values),
  f64: (values: readonly number[]) => Float64Array.from(values),
  records: (values: readonly number[]) => Uint8Array.from(values),
};

/** A small index whose segment has these columns, all checksums right; opened. */
async function indexWith(columns: Columns): Promise<LexicalIndex> {
  const index = await mkdtemp(join(folder, 'index-'));
  const out = join(index, 'built');
  const builder = await IndexBuilder.create({ out, analyzer: analyzerNamed('whitespace'), store: true });
  for (const [id, text] of Object.entries({ b: 'x x y', a: 'x y', c: 'y y z', d: '' })) {
    await builder.add({ id, title: '', text }, id);
  }
  await builder.finish();
  const built = await IndexFile.open(await segmentFileOf(out));
  const path = join(index, 'other');
  const writer = await IndexFileWriter.create(path);
  const { sections, version: _, ...facts } = built.table;
  for (const [name, { type, bytes }] of Object.entries(sections)) {
    const values = columns[name];
    await writer.section(name, type, values ? arrayOf[type](values) : await built.bytes(name, 0, bytes));
  }
  await writer.finish(facts);
  await built.close();
  await putSegment(index, await readFile(path));
  const opened = await LexicalIndex.open(index);
  onTestFinished(() => opened.close());
  return opened;
}

/** Codes by (frequency, length): (1, 3), (2, 3), (1, 2). x is in b and a, y in b, a and c, z in c. */
const valid: Columns = {
  'code-frequencies': [1, 2, 1],
  'code-lengths': [3, 3, 2],
  'posting-codes': [rareCode, 2, 0, 2, rareCode, 0],
  'rare-terms': [0, 1],
  'rare-documents': [0, 2],
  'rare-frequencies': [2, 2],
  'id-order': [1, 0, 2, 3],
  'document-lengths': [3, 2, 3, 0],
};

describe('verifying a segment', () => {
  it('finds nothing where its columns agree', async () => {
    const index = await indexWith(valid);
    await expect(index.verify()).resolves.toBeUndefined();
    expect([...(await index.vector('c'))]).toEqual([['y', 2], ['z', 1]]); // prettier-ignore
  });

  it('finds nothing where a build has more pairs than codes', async () => {
    const out = join(folder, 'many-pairs');
    const builder = await IndexBuilder.create({ out, analyzer: analyzerNamed('whitespace') });
    for (let i = 1; i <= 32_807; i++) {
      await builder.addVector(`d${i}`, new Map([['x', i], ['y', i + 1]]), 'here'); // prettier-ignore
    }
    await builder.finish();
    const file = await IndexFile.open(await segmentFileOf(out));
    expect(await file.array('rare-terms', 'u32')).toHaveLength(2 * 32_807 - rareCode);
    await file.close();
    const index = await LexicalIndex.open(out);
    await expect(index.verify()).resolves.toBeUndefined();
    await index.close();
  });

  it.each<[string, string, Columns]>([
    [
      'a rare posting without an entry',
      'rare-terms',
      { 'rare-terms': [0], 'rare-documents': [0], 'rare-frequencies': [2] },
    ],
    [
      'an entry of no posting',
      'rare-terms',
      { 'rare-terms': [0, 1, 2], 'rare-documents': [0, 2, 2], 'rare-frequencies': [2, 2, 1] },
    ],
    ['an entry of another term', 'rare-terms', { 'rare-terms': [0, 2] }],
    ['entries out of order', 'rare-terms', { 'rare-terms': [1, 0], 'rare-documents': [2, 0] }],
    ['an entry of a posting that has a code', 'rare-terms', { 'posting-codes': [rareCode, 2, 0, 2, 1, 0] }],
    ['an entry of another document', 'rare-documents', { 'rare-documents': [1, 2] }],
    ['a rare frequency of 0', 'rare-frequencies', { 'rare-frequencies': [0, 2] }],
    ['another rare frequency', 'document-lengths', { 'rare-frequencies': [2, 3] }],
    [
      'the code of another frequency',
      'document-lengths',
      { 'posting-codes': [rareCode, 2, 1, 2, rareCode, 0] },
    ],
    ['the code of another length', 'posting-codes', { 'posting-codes': [rareCode, 0, 0, 2, rareCode, 0] }],
    ['a code that there is not', 'posting-codes', { 'posting-codes': [rareCode, 3, 0, 2, rareCode, 0] }],
    ['ids out of order', 'id-order', { 'id-order': [0, 1, 2, 3] }],
    ['a document twice in the order of ids', 'id-order', { 'id-order': [1, 1, 2, 3] }],
    ['an id twice', 'id-order', { ids: [...Buffer.from('bacc')] }],
    ['terms out of order', 'terms', { terms: [...Buffer.from('xzy')] }],
    ['vectors in other places', 'vectors', { 'vector-offsets': [0, 0, 0, 0, 80] }],
    ['stored documents in other places', 'store', { 'store-offsets': [0, 0, 0, 0, 117] }],
  ])('finds %s', async (_, section, change) => {
    const index = await indexWith({ ...valid, ...change });
    await expect(index.verify()).rejects.toMatchObject({
      code: 'CORRUPT_FILE',
      where: expect.stringContaining(`(section ${section})`),
    });
  });
});
