import { access } from 'node:fs/promises';
import type { Corpus } from '../collections/corpus.ts';
import { silentWork, type OnWork } from '../work.ts';
import { checkEmbeddable, DocumentVectors } from './document-vectors.ts';
import type { EmbeddingCounts } from './embed-all.ts';
import type { Embedder, EmbedderIdentity } from './embedder.ts';
import { EmbeddingJournal } from './embedding-journal.ts';
import type { PassageSettings } from './passages.ts';
import { readVectorManifest } from './vector-manifest.ts';
import { readIndexVectorsFacts, vectorsFolder } from './vectors-facts.ts';
import { checkPassages } from './vectors-made.ts';

/** What is embedded ahead, and for which index. */
export interface EmbedAheadOptions {
  /** The folder of the index. */
  readonly folder: string;
  readonly embedder: Embedder;
  /** Default: as the vectors that are there. */
  readonly passages?: PassageSettings;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

/**
 * Embeds the passages of a corpus that is about to be added to the index in `folder`, which has vectors, and keeps them for
 * `embedCorpus`: so the time in which the index has documents without vectors is short, and what cannot be embedded is
 * known before. Returns how many were embedded, and how many had vectors. Throws `LOCKED` and what the embedder throws.
 */
export async function embedAhead(
  corpus: Corpus,
  { folder, embedder, passages, signal, onWork = () => silentWork }: EmbedAheadOptions,
): Promise<EmbeddingCounts> {
  checkEmbeddable(corpus);
  const made = vectorsFolder(folder, embedder);
  const manifest = await readVectorManifest(made);
  const then = readIndexVectorsFacts({ facts: manifest.facts, folder: made }).passages;
  if (passages) checkPassages(passages, then, made);
  const journal = await EmbeddingJournal.open(journalOf(made), embedder);
  const work = onWork('embedding', corpus.bytes ?? 0);
  try {
    const stream = new DocumentVectors(corpus, { embedder, journal, passages: then, work, signal });
    for await (const _ of stream.documents());
    return stream.counts;
  } finally {
    work.stop();
    await journal.close();
  }
}

/** Throws `LOCKED` where another embeds for the index in `folder`, and what is wrong with what was embedded before. */
export async function checkJournal(folder: string, embedder: EmbedderIdentity): Promise<void> {
  const path = journalOf(vectorsFolder(folder, embedder));
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) await (await EmbeddingJournal.open(path, embedder)).close();
}

/** Where what is embedded for vectors is kept until they are whole. */
export function journalOf(vectors: string): string {
  return `${vectors}.journal`;
}
