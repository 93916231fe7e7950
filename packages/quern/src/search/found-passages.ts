import type { TermWeights } from '../collections/records.ts';
import { orAborted, QuernError } from '../errors.ts';
import { meanWeights } from '../lexical/term-weights.ts';
import type { StoredDocument } from '../lexical/lexical-index.ts';
import { NoReasoner } from '../reason/none.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { bestPassage } from './passage.ts';
import { answer, type Answer, type Pipeline } from './pipeline.ts';
import type { Retriever } from './retriever.ts';
import { storedDocuments, type SearchedIndex } from './searched-index.ts';

/** What passages are found with. */
export interface PassageOptions {
  /** What answers questions; a retriever alone searches them as they are. */
  readonly pipeline: Pipeline | Retriever;
  /** The open index that it searches, which has the documents' texts: it was built with `--store`. */
  readonly index: SearchedIndex;
  /** How many passages at most. Default 4. */
  readonly k?: number;
  /** Ids of documents that are never found. */
  readonly excluded?: readonly string[];
  /** What a document's text is for whoever reads it. Default: its text; its title where it has none. */
  readonly text?: (document: StoredDocument) => string;
  /** Words in a row that are shown of a text, those that most was searched for. Without it, all of them. */
  readonly words?: number;
  /** Told how each answer came to be: the reasoned query, what failed, what was searched, milliseconds. */
  readonly onAnswer?: (answer: Answer) => void;
}

/** A document that was found, with its text. */
export interface FoundPassage {
  readonly id: string;
  readonly score: number;
  /** From 1. */
  readonly rank: number;
  readonly title: string;
  readonly text: string;
  /** Further fields of the document. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** What was found for a question. */
export interface FoundPassages {
  /** Absent where there is none. */
  readonly reasonedQuery?: string;
  /** The best first. */
  readonly passages: readonly FoundPassage[];
}

/** Finds passages for a question. Throws the signal's reason once it is aborted, and what {@link answer} throws. */
export type FindPassages = (question: string, signal?: AbortSignal) => Promise<FoundPassages>;

/**
 * Finds the passages that `answer` finds, with their texts. Throws `USAGE` where the index has no texts, and where `k` or
 * `words` is not a whole number of 1 or more.
 */
export function passageSearch(options: PassageOptions): FindPassages {
  const { index, k = 4, excluded = [], words, text = shownText, onAnswer } = options;
  const pipeline = pipelineOf(options.pipeline);
  checkCounts({ k, ...(words !== undefined && { words }) });
  if (!index.hasStore) {
    throw new QuernError('USAGE', 'the index has no texts to give', { hint: 'Build the index with --store' });
  }
  const windowOf = (whole: string, weights: TermWeights): string => {
    if (words === undefined) return whole;
    return bestPassage(whole, analyzerNamed(index.analyzer).spans(whole), weights, words);
  };
  const find = async (question: string, signal: AbortSignal | undefined): Promise<FoundPassages> => {
    const found = await answer(pipeline, question, { k, excluded, signal });
    onAnswer?.(found);
    const ids = found.hits.map(({ id }) => id);
    const documents = await storedDocuments(index, ids);
    const weights = meanWeights(found.searches.flatMap((search) => search.weights ?? []));
    const passages = found.hits.flatMap((hit): FoundPassage[] => {
      const document = documents.get(hit.id);
      // One that was deleted in a cluster since it was found.
      if (!document) return [];
      const { title, metadata } = document;
      return [{ ...hit, title, text: windowOf(text(document), weights), ...(metadata && { metadata }) }];
    });
    const reasonedQuery = found.reasoned.text;
    return { ...(reasonedQuery !== '' && { reasonedQuery }), passages };
  };
  return async (question, signal) => {
    if (!signal) return find(question, signal);
    signal.throwIfAborted();
    try {
      return await orAborted(find(question, signal), signal);
    } catch (error) {
      // Frameworks tell an abort by the reason that they gave it.
      signal.throwIfAborted();
      throw error;
    }
  };
}

/** Throws `USAGE` where one of these is not a whole number of 1 or more. */
export function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new QuernError('USAGE', `is a whole number of 1 or more, not ${value}`, { where: name });
  }
}

function shownText({ title, text }: StoredDocument): string {
  return text === '' ? title : text;
}

function pipelineOf(given: Pipeline | Retriever): Pipeline {
  if (!('search' in given)) return given;
  return { retriever: given, reasoner: new NoReasoner(), combine: { kind: 'replace' } };
}
