import { rm } from 'node:fs/promises';
import type { Corpus } from '../collections/corpus.ts';
import { QuernError } from '../errors.ts';
import { LexicalIndex } from '../lexical/lexical-index.ts';
import type { IndexState } from '../lexical/manifest.ts';
import { silentWork, type OnWork } from '../work.ts';
import type { DenseSettings } from './dense-settings.ts';
import { checkEmbeddable, DocumentVectors } from './document-vectors.ts';
import { journalOf } from './embed-ahead.ts';
import type { EmbeddingCounts } from './embed-all.ts';
import type { Embedder } from './embedder.ts';
import { EmbeddingJournal } from './embedding-journal.ts';
import { openIndexVectors, type IndexVectors } from './index-vectors.ts';
import { defaultPassages, type PassageSettings } from './passages.ts';
import { writeVectorIndex, type VectorDocument } from './vector-index-writer.ts';
import type { VectorIndex } from './vector-index.ts';
import type { VectorManifest } from './vector-manifest.ts';
import { indexVectorsFacts, readIndexVectorsFacts, vectorsFolder } from './vectors-facts.ts';
import { checkPassages } from './vectors-made.ts';

/** How the documents of an index get vectors. */
export interface EmbedCorpusOptions extends DenseSettings {
  /** The folder of the index, which holds the corpus's documents. */
  readonly folder: string;
  readonly embedder: Embedder;
  /** Keep the vectors of documents that the corpus does not have but the index does: it was added to. */
  readonly append?: boolean;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

/** What embedding a corpus came to. */
export interface EmbedCorpusSummary
  extends Pick<VectorManifest, 'documents' | 'vectors' | 'precision' | 'method' | 'recall'>, EmbeddingCounts {
  /** The folder of the vectors. */
  readonly folder: string;
  readonly embedder: string;
  readonly passages: PassageSettings;
  readonly dimensions: number;
  /** Of all files. */
  readonly bytes: number;
}

/**
 * Embeds the documents of a corpus that is in the index in `folder`, passage by passage, and puts their vectors beside it.
 * What was embedded is kept at once, by its text: a try that is broken off, or killed, goes on where it was. Throws `USAGE` for
 * a corpus of term vectors, `BAD_INPUT` where the index has documents that the corpus lacks, `LOCKED` while another does the
 * same, and what the embedder throws.
 */
export async function embedCorpus(corpus: Corpus, options: EmbedCorpusOptions): Promise<EmbedCorpusSummary> {
  const { folder, embedder, signal, onWork = () => silentWork } = options;
  checkEmbeddable(corpus);
  const index = await LexicalIndex.open(folder);
  const made = vectorsFolder(folder, embedder);
  const journalPath = journalOf(made);
  let before: IndexVectors | undefined;
  let journal: EmbeddingJournal | undefined;
  const work = onWork('embedding', corpus.bytes ?? 0);
  try {
    if (options.append) before = await openIndexVectors(embedder, { index, folder, isPartial: true });
    const passages = options.passages ?? before?.passages ?? defaultPassages(embedder.maxTokens);
    if (before) checkPassages(passages, before.passages, made);
    journal = await EmbeddingJournal.open(journalPath, embedder);
    const stream = new DocumentVectors(corpus, { index, embedder, journal, passages, work, signal });
    const isOutdated = before !== undefined && !isStepAfter(index.state, before);
    const facts = indexVectorsFacts(index.state, passages, isOutdated);
    const documents = withKept(stream, before?.vectors, index);
    const { precision, method } = settingsAfter(before?.vectors, options);
    const settings = { embedder, facts, precision, method, signal, onWork };
    const written = await writeVectorIndex(made, documents, settings);
    // While its lock is held: another must not begin with a file that goes.
    await rm(journalPath, { force: true });
    const { documents: count, vectors, files, recall } = written;
    return {
      folder: made,
      embedder: embedder.id,
      dimensions: embedder.dimensions,
      passages,
      documents: count,
      vectors,
      precision: written.precision,
      method: written.method,
      ...(recall && { recall }),
      ...stream.counts,
      bytes: Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0),
    };
  } finally {
    work.stop();
    await journal?.close();
    await before?.vectors.close();
    await index.close();
  }
}

/**
 * The documents of the stream, then those of the index that it did not have, as they were. Throws `BAD_INPUT` where documents
 * of the index are in neither.
 */
async function* withKept(
  stream: DocumentVectors,
  before: VectorIndex | undefined,
  index: LexicalIndex,
): AsyncGenerator<VectorDocument> {
  const done = new Set<string>();
  for await (const document of stream.documents()) {
    done.add(document.id);
    yield document;
  }
  for (let i = 0; i < (before?.documents ?? 0); i++) {
    const id = before!.documentId(i);
    if (done.has(id) || !index.has(id)) continue;
    done.add(id);
    yield { id, vectors: await before!.vectorsOf(id) };
  }
  const missing = index.facts.documents - done.size;
  if (missing <= 0) return;
  throw new QuernError(
    'BAD_INPUT',
    `the index has ${missing} documents that the corpus to be embedded lacks`,
    {
      hint: 'Is it the index of another corpus?',
    },
  );
}

/**
 * Whether an index is what it was when vectors were made of it, but for one adding of documents, those that are embedded now:
 * then the others have the vectors of their texts.
 */
function isStepAfter({ content, previousContent }: IndexState, { vectors }: IndexVectors): boolean {
  const facts = readIndexVectorsFacts(vectors);
  return !facts.isOutdated && [content, previousContent].includes(facts.content);
}

/** The settings that are given; of vectors that are added to, as they are. */
function settingsAfter(
  before: VectorIndex | undefined,
  { precision, method }: DenseSettings,
): Pick<DenseSettings, 'precision' | 'method'> {
  return {
    precision: precision ?? before?.precision,
    // Of an exact search it is not known whether more vectors were to have a graph.
    method: method ?? (before?.method === 'hnsw' ? 'hnsw' : undefined),
  };
}
