import { QuernError } from '../errors.ts';
import type { Bm25Parameters } from '../lexical/bm25.ts';
import { LexicalIndex } from '../lexical/lexical-index.ts';
import { DenseRetriever } from '../search/dense-retriever.ts';
import { LexicalRetriever } from '../search/lexical-retriever.ts';
import type { Retriever } from '../search/retriever.ts';
import {
  closeEmbedders,
  openEmbedders,
  openRetriever,
  retrieverNamed,
  type OpenEmbedders,
  type RetrieverPlan,
} from '../search/retrievers.ts';
import type { EmbedderOptions } from '../dense/model-options.ts';
import type { Precision } from '../dense/row-layout.ts';
import type { Warnings } from '../warnings.ts';
import { KeptVectors } from './kept-vectors.ts';
import { lexicalCollection, vectorCollection, type RewardCollection } from './reward-collection.ts';

/** The index that positives are ranked in, and how it is searched. */
export interface IndexCollectionOptions {
  /** The folder of the index. */
  readonly folder: string;
  /** The name of a retriever, lexical or dense. Default `bm25q`. */
  readonly retriever?: string;
  /** BM25's k1 and b. Default 0.9 and 0.4. */
  readonly parameters?: Bm25Parameters;
  readonly embedding?: EmbedderOptions;
  readonly warnings?: Warnings;
}

/** How far off cosines may be where vectors are kept so: twice the most that was seen among 33,920 passages of textbooks. */
const tolerances: Readonly<Record<Precision, number>> = { f32: 1e-6, f16: 1e-4, i8: 4e-3 };

/** A collection over an open index, to be closed. */
export interface OpenRewardCollection {
  readonly collection: RewardCollection;
  /** The index's analyzer. */
  readonly analyzer: string;
  close(): Promise<void>;
}

/**
 * What a retriever finds as a collection that positives are ranked among. Throws `USAGE` for one that is neither lexical nor
 * dense: what score a text that is not in the index would have is not said by others.
 */
export function collectionOf(retriever: Retriever): RewardCollection {
  if (retriever instanceof LexicalRetriever) return lexicalCollection(retriever);
  if (retriever instanceof DenseRetriever) {
    const { id, passages, index } = retriever;
    return vectorCollection(new KeptVectors(retriever.embedder), {
      id,
      passages,
      tolerance: tolerances[index.precision],
      search: (vector, k, signal) => retriever.searchVector(vector, { k, ...(signal && { signal }) }),
      has: (document) => retriever.has(document),
    });
  }
  throw new QuernError(
    'USAGE',
    `${retriever.id} does not say what a text would score that is not in the index`,
    {
      hint: 'Rank in a lexical or a dense retriever',
    },
  );
}

/** Opens an index as a collection. Throws what opening the index and its vectors throws, and as {@link collectionOf}. */
export async function openRewardCollection(options: IndexCollectionOptions): Promise<OpenRewardCollection> {
  const { folder, retriever: name = 'bm25q', parameters, embedding, warnings } = options;
  const plan: RetrieverPlan = retrieverNamed(name);
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const each of closing.splice(0).toReversed()) await each();
  };
  try {
    const embedders: OpenEmbedders = await openEmbedders(plan, embedding);
    closing.push(() => closeEmbedders(embedders));
    const index = await LexicalIndex.open(folder);
    closing.push(() => index.close());
    const opened = await openRetriever(plan, embedders, { index, folder, parameters, warnings });
    closing.push(() => opened.close());
    return { collection: collectionOf(opened.retriever), analyzer: index.analyzer, close };
  } catch (error) {
    await close();
    throw error;
  }
}
