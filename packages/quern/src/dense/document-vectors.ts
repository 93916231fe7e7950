import type { Corpus, TextCorpus } from '../collections/corpus.ts';
import { QuernError } from '../errors.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import type { Work } from '../work.ts';
import { embedAll, type EmbeddingCounts } from './embed-all.ts';
import type { Embedder } from './embedder.ts';
import type { EmbeddingJournal } from './embedding-journal.ts';
import { passagesOf, type PassageSettings } from './passages.ts';
import type { VectorDocument } from './vector-index-writer.ts';

/** What documents are embedded with. */
export interface DocumentVectorsOptions {
  /** Documents that it lacks are passed over; without it, none are. */
  readonly index?: LexicalIndex;
  readonly embedder: Embedder;
  readonly journal: EmbeddingJournal;
  readonly passages: PassageSettings;
  readonly work: Work;
  readonly signal?: AbortSignal;
}

/** The documents of a corpus with the vectors of their passages, of one that an index is made of those that it holds. */
export class DocumentVectors {
  readonly #corpus: TextCorpus;
  readonly #options: DocumentVectorsOptions;
  #counts: EmbeddingCounts = { embedded: 0, reused: 0 };
  #bytes = 0;

  constructor(corpus: TextCorpus, options: DocumentVectorsOptions) {
    this.#corpus = corpus;
    this.#options = options;
  }

  /** How many passages were embedded, and how many had vectors. */
  get counts(): EmbeddingCounts {
    return this.#counts;
  }

  /** The documents in the corpus's order. */
  async *documents(): AsyncGenerator<VectorDocument> {
    const { embedder, journal, work, signal } = this.#options;
    const begun: { readonly id: string; readonly passages: number }[] = [];
    const onProgress = (counts: EmbeddingCounts): void => {
      this.#counts = counts;
      work.update(this.#bytes);
    };
    let vectors: Float32Array[] = [];
    for await (const vector of embedAll(this.#passages(begun), embedder, journal, { signal, onProgress })) {
      vectors.push(vector);
      if (vectors.length < begun[0].passages) continue;
      yield { id: begun.shift()!.id, vectors };
      vectors = [];
    }
  }

  /** The passages of the documents, each of which is told of in `begun` before. */
  async *#passages(begun: { readonly id: string; readonly passages: number }[]): AsyncGenerator<string> {
    const { index, passages } = this.#options;
    for await (const { document } of this.#corpus.documents((more) => (this.#bytes += more))) {
      if (index && !index.has(document.id)) continue;
      const texts = passagesOf(document, passages);
      begun.push({ id: document.id, passages: texts.length });
      yield* texts;
    }
  }
}

/** Throws `USAGE` for a corpus that has no text. */
export function checkEmbeddable(corpus: Corpus): asserts corpus is TextCorpus {
  if (corpus.kind === 'text') return;
  throw new QuernError('USAGE', 'term vectors have no text to embed', { hint: 'Leave the embedder out' });
}
