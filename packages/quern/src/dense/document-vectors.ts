import type { TextCorpus } from '../collections/corpus.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import type { Work } from '../work.ts';
import type { Embedder } from './embedder.ts';
import type { EmbeddingJournal } from './embedding-journal.ts';
import { passagesOf, type PassageSettings } from './passages.ts';
import type { VectorDocument } from './vector-index-writer.ts';

/** What documents are embedded with. */
export interface DocumentVectorsOptions {
  readonly index: LexicalIndex;
  readonly embedder: Embedder;
  readonly journal: EmbeddingJournal;
  readonly passages: PassageSettings;
  readonly work: Work;
  readonly signal?: AbortSignal;
}

/** How many passages are embedded at a time, and kept: what a kill can lose. */
const passagesAtOnce = 512;

/** The documents of a corpus that an index holds, with the vectors of their passages. */
export class DocumentVectors {
  readonly #corpus: TextCorpus;
  readonly #options: DocumentVectorsOptions;
  #embedded = 0;
  #reused = 0;

  constructor(corpus: TextCorpus, options: DocumentVectorsOptions) {
    this.#corpus = corpus;
    this.#options = options;
  }

  /** Passages that were embedded. */
  get embedded(): number {
    return this.#embedded;
  }

  /** Passages whose vectors were in the journal, or those of an equal text. */
  get reused(): number {
    return this.#reused;
  }

  /** The documents in the corpus's order. */
  async *documents(): AsyncGenerator<VectorDocument> {
    const { index, passages, work } = this.#options;
    let waiting: { id: string; texts: string[] }[] = [];
    let count = 0;
    let bytes = 0;
    let done = 0;
    for await (const { document } of this.#corpus.documents((more) => (bytes += more))) {
      if (!index.has(document.id)) continue;
      const texts = passagesOf(document, passages);
      waiting.push({ id: document.id, texts });
      count += texts.length;
      if (count < passagesAtOnce) continue;
      yield* this.#embeddedDocuments(waiting);
      work.update((done = bytes));
      waiting = [];
      count = 0;
    }
    yield* this.#embeddedDocuments(waiting);
    if (bytes > done) work.update(bytes);
  }

  async *#embeddedDocuments(
    documents: readonly { id: string; texts: readonly string[] }[],
  ): AsyncGenerator<VectorDocument> {
    const { embedder, journal, signal } = this.#options;
    const texts = documents.flatMap((document) => document.texts);
    const fresh = [...new Set(texts)].filter((text) => !journal.has(text));
    // A document may have more passages than are lost gladly.
    for (let first = 0; first < fresh.length; first += passagesAtOnce) {
      const some = fresh.slice(first, first + passagesAtOnce);
      await journal.append(some, await embedder.embed(some, 'document', signal));
    }
    this.#embedded += fresh.length;
    this.#reused += texts.length - fresh.length;
    for (const { id, texts: own } of documents) {
      const vectors: Float32Array[] = [];
      for (const text of own) vectors.push((await journal.get(text))!);
      yield { id, vectors };
    }
  }
}
