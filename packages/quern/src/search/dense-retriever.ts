import type { Hit, TermWeights } from '../collections/records.ts';
import type { Embedder, EmbedderIdentity } from '../dense/embedder.ts';
import type { PassageSettings } from '../dense/passages.ts';
import type { VectorIndex } from '../dense/vector-index.ts';
import { QuernError, throwIfAborted } from '../errors.ts';
import type { Retriever, SearchOptions } from './retriever.ts';

/** What a {@link DenseRetriever} searches with, and beside. */
export interface DenseRetrieverOptions {
  /** How documents were cut into passages, and how their scores come from those of these. */
  readonly passages: PassageSettings;
  /** Documents that have vectors and are no longer there. */
  readonly gone?: readonly string[];
  /** Texts of documents, where there are any. */
  readonly document?: Retriever['document'];
}

/** Vectors of queries that are kept: those that are searched again, as of reasoners that are compared. */
const keptVectors = 2048;

/** `dense:EMBEDDER` over an open vector index. Index and embedder stay the caller's to close. */
export class DenseRetriever implements Retriever {
  readonly id: string;
  readonly document?: Retriever['document'];
  readonly #index: VectorIndex;
  readonly #embedder: Embedder;
  readonly #options: DenseRetrieverOptions;
  readonly #vectors = new Map<string, Float32Array>();

  /** Throws `EMBEDDER_MISMATCH` where the index's vectors are of another embedder. */
  constructor(index: VectorIndex, embedder: Embedder, options: DenseRetrieverOptions) {
    checkEmbedder(index, embedder);
    this.#index = index;
    this.#embedder = embedder;
    this.#options = options;
    this.id = `dense:${embedder.id}`;
    if (options.document) this.document = options.document;
  }

  get index(): VectorIndex {
    return this.#index;
  }

  get embedder(): Embedder {
    return this.#embedder;
  }

  get passages(): PassageSettings {
    return this.#options.passages;
  }

  /** Scores are cosines. A text without words finds nothing. Throws `USAGE` for term weights. */
  async search(query: string | TermWeights, { k, excluded, signal }: SearchOptions): Promise<Hit[]> {
    throwIfAborted(signal);
    if (typeof query !== 'string') {
      throw new QuernError('USAGE', `${this.id} cannot search term weights`, {
        hint: 'Reasoners that yield weights, such as rm3, are for bm25 and bm25q',
      });
    }
    if (query.trim() === '') return [];
    return this.searchVector(await this.#vectorOf(query, signal), { k, excluded, signal });
  }

  /** The k documents that are nearest to a vector; scores are cosines. */
  searchVector(vector: Float32Array, { k, excluded, signal }: SearchOptions): Promise<Hit[]> {
    const { passages, gone = [] } = this.#options;
    const without = excluded ? [...gone, ...excluded] : gone;
    return this.#index.search(vector, { k, excluded: without, aggregate: passages.aggregate, signal });
  }

  /** Whether there is a document with this id. */
  has(id: string): boolean {
    return this.#index.has(id) && !(this.#options.gone ?? []).includes(id);
  }

  async #vectorOf(query: string, signal: AbortSignal | undefined): Promise<Float32Array> {
    const known = this.#vectors.get(query);
    if (known) return known;
    const [vector] = await this.#embedder.embed([query], 'query', signal);
    this.#vectors.set(query, vector!);
    if (this.#vectors.size > keptVectors) {
      const [oldest] = this.#vectors.keys();
      this.#vectors.delete(oldest!);
    }
    return vector!;
  }
}

/** Throws `EMBEDDER_MISMATCH` unless the vectors of an index are an embedder's. */
export function checkEmbedder(
  { embedder: made, folder }: Pick<VectorIndex, 'embedder' | 'folder'>,
  embedder: EmbedderIdentity,
): void {
  if (made.contentHash === embedder.contentHash && made.dimensions === embedder.dimensions) return;
  const isSameName = made.id === embedder.id;
  throw new QuernError(
    'EMBEDDER_MISMATCH',
    isSameName
      ? `${embedder.id}, or its options, have changed since these vectors were made`
      : `these vectors were made by ${made.id}, not ${embedder.id}`,
    { where: folder, hint: 'Embed the corpus again, with quern index … --dense' },
  );
}
