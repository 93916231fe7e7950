import { cp, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { hashedEmbedder } from '../../test/hashed-embedder.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import type { TextCorpus } from '../collections/corpus.ts';
import { appendCorpus } from '../lexical/append-corpus.ts';
import { indexCorpus } from '../lexical/index-corpus.ts';
import { IndexWriter } from '../lexical/index-writer.ts';
import { LexicalIndex } from '../lexical/lexical-index.ts';
import { readManifest } from '../lexical/manifest.ts';
import { Warnings } from '../warnings.ts';
import type { DenseSettings } from './dense-settings.ts';
import { checkJournal, embedAhead } from './embed-ahead.ts';
import { embedCorpus } from './embed-corpus.ts';
import { EmbeddingJournal } from './embedding-journal.ts';
import { openIndexVectors } from './index-vectors.ts';
import { vectorsFolder } from './vectors-facts.ts';
import { checkMadeAs } from './vectors-made.ts';

const embedder = hashedEmbedder();
const first = corpusOf({ a: 'oak beech', b: 'rhine danube', c: 'bonn ulm' });

function corpusOf(texts: Readonly<Record<string, string>>): TextCorpus {
  return {
    kind: 'text',
    async *documents() {
      for (const [id, text] of Object.entries(texts)) yield { where: id, document: { id, title: '', text } };
    },
  };
}

/** A new folder with an index of a corpus, and its vectors. */
async function indexed(corpus: TextCorpus, settings: DenseSettings = {}): Promise<string> {
  const folder = join(temporaryFolder(), 'index');
  await indexCorpus(corpus, { out: folder, analyzer: 'whitespace' });
  await embedCorpus(corpus, { folder, embedder, ...settings });
  return folder;
}

/** What is said of the vectors in a folder when they are opened. */
async function opened(folder: string): Promise<{ isCurrent: boolean; warnings: number; documents: number }> {
  const index = await LexicalIndex.open(folder);
  const warnings = new Warnings();
  try {
    const { vectors, isCurrent } = await openIndexVectors(embedder, { index, folder, warnings });
    await vectors.close();
    return { isCurrent, warnings: warnings.list().length, documents: vectors.documents };
  } finally {
    await index.close();
  }
}

it('adds vectors as precise as those that are there', async () => {
  const folder = await indexed(first, { precision: 'i8' });
  const more = corpusOf({ d: 'maple elm' });
  await appendCorpus(more, { out: folder });
  const { precision, documents } = await embedCorpus(more, { folder, embedder, append: true });
  expect({ precision, documents }).toEqual({ precision: 'i8', documents: 4 });
  expect(await opened(folder)).toEqual({ isCurrent: true, warnings: 0, documents: 4 });
});

it('does not take vectors of another index for those of this one, though both are of the first generation', async () => {
  const from = await indexed(first);
  const to = join(temporaryFolder(), 'index');
  await indexCorpus(corpusOf({ a: 'cedar', b: 'elbe' }), { out: to, analyzer: 'whitespace' });
  const { folder: vectors } = await embedCorpus(first, { folder: from, embedder });
  await cp(vectors, join(to, basename(vectors)), { recursive: true });
  expect(await opened(to)).toMatchObject({ isCurrent: false, warnings: 1 });
});

it('is not kept from its vectors by damaged ones of another embedder', async () => {
  const folder = await indexed(first);
  await mkdir(join(folder, 'dense-0000000000000000'));
  await writeFile(join(folder, 'dense-0000000000000000', 'dense.json'), 'x');
  expect(await opened(folder)).toMatchObject({ isCurrent: true });
});

it('refuses settings that vectors were not made with', async () => {
  const passages = { words: 4, stride: 3, aggregate: 'max' } as const;
  const folder = await indexed(first, { passages, precision: 'i8' });
  await checkMadeAs(embedder, folder, {});
  await checkMadeAs(embedder, folder, { passages, precision: 'i8', method: 'auto' });
  await checkMadeAs(hashedEmbedder('others'), folder, { precision: 'f16' });
  const others = [
    { passages: { ...passages, stride: 2 } },
    { precision: 'f16' },
    { method: 'hnsw' },
  ] as const;
  for (const settings of others) {
    await expect(checkMadeAs(embedder, folder, settings)).rejects.toMatchObject({ code: 'USAGE' });
  }
});

it('remembers a text that was replaced without its vectors, whatever is added afterwards', async () => {
  const folder = await indexed(first);
  await appendCorpus(corpusOf({ a: 'cedar yew' }), { out: folder });
  expect(await opened(folder)).toMatchObject({ isCurrent: false, warnings: 1 });
  const more = corpusOf({ d: 'maple elm' });
  await appendCorpus(more, { out: folder });
  await embedCorpus(more, { folder, embedder, append: true });
  expect(await opened(folder)).toMatchObject({ isCurrent: false, warnings: 1, documents: 4 });
  const again = corpusOf({ a: 'cedar yew', b: 'rhine danube', c: 'bonn ulm', d: 'maple elm' });
  await embedCorpus(again, { folder, embedder });
  expect(await opened(folder)).toEqual({ isCurrent: true, warnings: 0, documents: 4 });
});

it('takes deletions and merges for no change of texts', async () => {
  const folder = await indexed(first);
  for (let i = 0; i < 12; i++) {
    const more = corpusOf({ [`d${i}`]: `maple ${i}` });
    await appendCorpus(more, { out: folder });
    await embedCorpus(more, { folder, embedder, append: true });
  }
  const before = await readManifest(folder);
  expect(before.segments.length).toBeLessThan(13);
  expect(await opened(folder)).toEqual({ isCurrent: true, warnings: 0, documents: 15 });
  const writer = await IndexWriter.open(folder);
  for (const id of ['a', 'd1', 'd2']) await writer.delete(id);
  await writer.commit();
  await writer.close();
  expect(await opened(folder)).toEqual({ isCurrent: false, warnings: 0, documents: 15 });
});

it('does not take vectors of what was added since for those of an index that is open', async () => {
  const folder = await indexed(first);
  const index = await LexicalIndex.open(folder);
  const more = corpusOf({ d: 'maple elm' });
  await appendCorpus(more, { out: folder });
  await embedCorpus(more, { folder, embedder, append: true });
  const { vectors, isCurrent } = await openIndexVectors(embedder, { index, folder });
  await vectors.close();
  await index.close();
  expect({ documents: vectors.documents, isCurrent }).toEqual({ documents: 4, isCurrent: false });
  expect((await opened(folder)).isCurrent).toBe(true);
});

it('knows an index that was built anew of the same texts, and one of others', async () => {
  const folder = await indexed(first);
  await indexCorpus(first, { out: folder, analyzer: 'whitespace' });
  expect(await opened(folder)).toMatchObject({ warnings: 0 });
  await indexCorpus(corpusOf({ a: 'cedar', b: 'elbe', c: 'ulm' }), { out: folder, analyzer: 'whitespace' });
  expect(await opened(folder)).toMatchObject({ warnings: 1 });
});

it('names how many documents have no vectors', async () => {
  const folder = await indexed(first);
  await appendCorpus(corpusOf({ d: 'maple', e: 'elm' }), { out: folder });
  await expect(opened(folder)).rejects.toMatchObject({
    code: 'BAD_INPUT',
    what: '2 of 5 documents have no vectors',
  });
});

it('embeds ahead of an append, cut as the vectors that are there, and nothing twice', async () => {
  const counted = hashedEmbedder();
  const folder = await indexed(first, { passages: { words: 2, stride: 1, aggregate: 'max' } });
  const more = corpusOf({ d: 'maple elm fir' });
  await embedAhead(more, { folder, embedder: counted });
  expect(counted.embedded).toEqual(['maple elm', 'elm fir']);
  expect(await opened(folder)).toEqual({ isCurrent: true, warnings: 0, documents: 3 });
  await appendCorpus(more, { out: folder });
  const { embedded, reused } = await embedCorpus(more, { folder, embedder: counted, append: true });
  expect([embedded, reused, counted.embedded.length]).toEqual([0, 2, 2]);
  expect(await opened(folder)).toEqual({ isCurrent: true, warnings: 0, documents: 4 });
  await expect(
    embedAhead(more, { folder, embedder, passages: { words: 3, stride: 1, aggregate: 'max' } }),
  ).rejects.toMatchObject({ code: 'USAGE' });
});

it('is told of another that embeds for the same index before anything is done', async () => {
  const folder = await indexed(first);
  await checkJournal(folder, embedder);
  const journal = await EmbeddingJournal.open(`${vectorsFolder(folder, embedder)}.journal`, embedder);
  await expect(checkJournal(folder, embedder)).rejects.toMatchObject({ code: 'LOCKED' });
  await journal.close();
  await checkJournal(folder, embedder);
});
