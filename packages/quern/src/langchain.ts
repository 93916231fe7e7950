/** Quern in LangChain, `quern/langchain`: apart from the rest, which does without LangChain. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { CallbackManagerForChainRun } from '@langchain/core/callbacks/manager';
import { Document } from '@langchain/core/documents';
import { BaseRetriever, type BaseRetrieverInput } from '@langchain/core/retrievers';
import { ensureConfig, Runnable, type RunnableConfig } from '@langchain/core/runnables';
import { textPieces } from './reason/text-pieces.ts';
import type { ReasonedQuery, Reasoner } from './reason/reasoner.ts';
import { isUsableText } from './reason/usable-text.ts';
import { passageSearch, type FindPassages, type PassageOptions } from './search/found-passages.ts';

export type { PassageOptions } from './search/found-passages.ts';

/** What a {@link QuernRetriever} says of a document, beside the document's own fields. */
export interface PassageMetadata extends Record<string, unknown> {
  /** The document's id, which is `Document.id` as well. */
  source: string;
  title: string;
  score: number;
  /** From 1. */
  rank: number;
  /** Absent where there is none. */
  reasonedQuery?: string;
}

/**
 * LangChain's retriever around a pipeline or a retriever of Quern, and the index that it searches. A document's text is its
 * `pageContent`. It stops when the call's signal or timeout does; what the pipeline throws is thrown and told to callbacks.
 */
export class QuernRetriever extends BaseRetriever<PassageMetadata> {
  static override lc_name(): string {
    return 'QuernRetriever';
  }

  override lc_namespace = ['quern', 'retrievers'];
  readonly #find: FindPassages;

  /** Throws `USAGE` where the index has no texts, or a number is none. */
  constructor({ callbacks, tags, metadata, verbose, ...options }: PassageOptions & BaseRetrieverInput) {
    super({ callbacks, tags, metadata, verbose });
    this.#find = passageSearch(options);
  }

  /** The documents for a question, the best first. */
  override invoke(input: string, options?: RunnableConfig): Promise<Document<PassageMetadata>[]> {
    const config = ensureConfig(options);
    return signals.run(config.signal, () => super.invoke(input, config)) as Promise<
      Document<PassageMetadata>[]
    >;
  }

  override async _getRelevantDocuments(question: string): Promise<Document<PassageMetadata>[]> {
    const { reasonedQuery, passages } = await this.#find(question, signals.getStore());
    return passages.map(({ id, score, rank, title, text, metadata }) => {
      const found = { source: id, title, score, rank, ...(reasonedQuery !== undefined && { reasonedQuery }) };
      return new Document({ id, pageContent: text, metadata: { ...metadata, ...found } });
    });
  }
}

/** The signals of calls under way, as LangChain gives a retriever's own method none. */
const signals = new AsyncLocalStorage<AbortSignal | undefined>();

/**
 * A reasoner as a step of a chain: a question in, its reasoned query out, in pieces where it is streamed. What comes out takes
 * the question's place; so where the reasoner has nothing, or term weights alone (RM3), the question itself comes out. In a
 * stream, pieces that came before the reasoner failed cannot be taken back: the question follows them on a line of its own.
 */
export class ReasonerRunnable extends Runnable<string, string> {
  static override lc_name(): string {
    return 'ReasonerRunnable';
  }

  override lc_namespace = ['quern', 'reasoners'];
  readonly #reasoner: Reasoner;

  constructor(reasoner: Reasoner) {
    super();
    this.#reasoner = reasoner;
  }

  /** The reasoned query; the question where there is none. Throws what the reasoner throws. */
  invoke(input: string, options?: RunnableConfig): Promise<string> {
    return this._callWithConfig(
      async (question: string, config) => {
        const reasoned = await this.#reasoner.reason(question, { signal: config?.signal });
        return isText(reasoned) ? reasoned.text : question;
      },
      input,
      options,
    );
  }

  override transform(questions: AsyncGenerator<string>, options: RunnableConfig): AsyncGenerator<string> {
    return this._transformStreamWithConfig(
      questions,
      (parts, run, config) => this.#pieces(parts, run, config),
      options,
    );
  }

  override async *_streamIterator(input: string, options?: RunnableConfig): AsyncGenerator<string> {
    yield* this.transform(onePiece(input), ensureConfig(options));
  }

  async *#pieces(
    parts: AsyncGenerator<string>,
    _: CallbackManagerForChainRun | undefined,
    config: RunnableConfig | undefined,
  ): AsyncGenerator<string> {
    let question = '';
    for await (const part of parts) question += part;
    const pieces = textPieces(this.#reasoner, question, { signal: config?.signal });
    let written = '';
    try {
      for (;;) {
        const next = await pieces.next();
        if (next.done !== true) {
          written += next.value;
          yield next.value;
          continue;
        }
        if (!isText(next.value)) yield written === '' ? question : `\n${question}`;
        return;
      }
    } finally {
      // Whoever stops listening ends the reasoning.
      await pieces.return(undefined as never);
    }
  }
}

/** Whether a reasoned query is prose with a word in it. */
function isText({ text, weights }: ReasonedQuery): boolean {
  return weights === undefined && isUsableText(text);
}

async function* onePiece(text: string): AsyncGenerator<string> {
  yield text;
}
