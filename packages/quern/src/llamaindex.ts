/** Quern in LlamaIndex, `quern/llamaindex`: apart from the rest, which does without LlamaIndex. */
import type { QueryBundle } from '@llamaindex/core/query-engine';
import { BaseRetriever } from '@llamaindex/core/retriever';
import { TextNode, type NodeWithScore } from '@llamaindex/core/schema';
import { extractText } from '@llamaindex/core/utils';
import { passageSearch, type FindPassages, type PassageOptions } from './search/found-passages.ts';

export type { PassageOptions } from './search/found-passages.ts';

/** What is told of how a passage was found, which is neither embedded nor shown to a model. */
const facts = ['rank', 'reasonedQuery'];

/** What a {@link QuernRetriever} is made of. */
export interface QuernRetrieverOptions extends PassageOptions {
  /** Stops what is under way and all that is asked after; LlamaIndex gives a retriever no signal of a call. */
  readonly signal?: AbortSignal;
}

/**
 * LlamaIndex's retriever around a pipeline or a retriever of Quern, and the index that it searches. A node has the document's
 * id (`id_`) and text, its own fields, `title`, `rank` (from 1) and, where there is one, `reasonedQuery` as metadata.
 */
export class QuernRetriever extends BaseRetriever {
  readonly #find: FindPassages;
  readonly #signal: AbortSignal | undefined;

  /** Throws `USAGE` where the index has no texts, or a number is none. */
  constructor({ signal, ...options }: QuernRetrieverOptions) {
    super();
    this.#find = passageSearch(options);
    this.#signal = signal;
  }

  /** The nodes for a question, the best first. Throws what the pipeline throws, and the signal's reason. */
  async _retrieve({ query }: QueryBundle): Promise<NodeWithScore[]> {
    const { reasonedQuery, passages } = await this.#find(extractText(query), this.#signal);
    return passages.map(({ id, score, rank, title, text, metadata }) => {
      const found = { title, rank, ...(reasonedQuery !== undefined && { reasonedQuery }) };
      const node = new TextNode({
        id_: id,
        text,
        metadata: { ...metadata, ...found },
        excludedLlmMetadataKeys: facts,
        excludedEmbedMetadataKeys: facts,
      });
      return { node, score };
    });
  }
}
