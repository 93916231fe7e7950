import type { Hit } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import type { RetrievedWith } from '../search/pipeline.ts';
import type { TermRetriever } from '../search/retriever.ts';
import type { TopicAnswer } from './evaluation.ts';

/** A piece of a marked text. The pieces of a text, put together, are that text. */
export interface Segment {
  readonly text: string;
  /** The term of the index that the piece becomes, where it is marked. */
  readonly term?: string;
  /** Whether the term occurs in the relevant document, or only in the other one. */
  readonly mark?: 'relevant' | 'other';
  /** The term's part of that document's score, above 0, at most 1. */
  readonly share?: number;
  /** The same in three steps, 3 for the terms that bring most. */
  readonly strength?: 1 | 2 | 3;
  /** Whether the reasoner brought the term: the query does not have it. */
  readonly brought?: boolean;
}

/** A term of the search and its part of both documents' scores; `null` where the document does not have it. */
export interface MarkedTerm {
  readonly term: string;
  /** w(t,q). */
  readonly weight: number;
  readonly relevantShare: number | null;
  readonly otherShare: number | null;
  readonly brought: boolean;
}

/** A document that a text is held against; `rank` is `null` where the run does not have it. */
export interface MarkedDocument {
  readonly id: string;
  readonly rank: number | null;
}

/** What of a searched text matches a relevant document, and what only one that is not. */
export interface Marking {
  /** What `segments` are pieces of; `weights` where the reasoner yields term weights and there is no text. */
  readonly of: 'query' | 'reasoned' | 'weights';
  readonly segments: readonly Segment[];
  /** The terms that bring most to either document, these first. */
  readonly terms: readonly MarkedTerm[];
  /** The topic's relevant document that stands highest. */
  readonly relevant: MarkedDocument | null;
  /** The document that stands highest without being relevant. */
  readonly other: MarkedDocument | null;
}

/** The documents that a marking may choose from. */
export interface MarkingDocuments {
  /** The run's ranking, best first. */
  readonly ranking: readonly Hit[];
  /** Ids of the topic's relevant documents, those first that are to be taken first if the run has none of them. */
  readonly relevant: readonly string[];
}

const termsKept = 12;

/** The marking of what a topic was searched with, or `null` where the search was not made of terms. */
export function markingOf(
  { query, reasoned, searches }: Pick<TopicAnswer, 'query' | 'reasoned' | 'searches'>,
  retriever: TermRetriever,
  { ranking, relevant }: MarkingDocuments,
): Marking | null {
  const weights = searchToMark(searches)?.weights;
  if (!weights) return null;
  const shares = (id: string): Map<string, number> | null => sharesIn(retriever, weights, id);

  const relevantIds = new Set(relevant);
  const ranked = ranking.find(({ id }) => relevantIds.has(id));
  const relevantId = ranked?.id ?? relevant.find((id) => shares(id) !== null);
  const other = ranking.find(({ id }) => !relevantIds.has(id));
  const ofRelevant = (relevantId === undefined ? null : shares(relevantId)) ?? new Map<string, number>();
  const ofOther = (other === undefined ? null : shares(other.id)) ?? new Map<string, number>();

  const inQuery = new Set(retriever.spans(query).map(({ term }) => term));
  const text = reasoned.weights ? null : reasoned.text.trim() === '' ? query : reasoned.text;
  const greatest = {
    relevant: Math.max(0, ...ofRelevant.values()),
    other: Math.max(0, ...ofOther.values()),
  };
  const marked = (term: string): Omit<Segment, 'text'> | null => {
    const mark = ofRelevant.has(term) ? 'relevant' : ofOther.has(term) ? 'other' : null;
    if (mark === null) return null;
    const share = (mark === 'relevant' ? ofRelevant : ofOther).get(term)!;
    return { term, mark, share, strength: strengthOf(share / greatest[mark]), brought: !inQuery.has(term) };
  };

  const terms = Array.from(weights, ([term, weight]) => ({
    term,
    weight,
    relevantShare: ofRelevant.get(term) ?? null,
    otherShare: ofOther.get(term) ?? null,
    brought: !inQuery.has(term),
  }));
  return {
    of: text === null ? 'weights' : text === query ? 'query' : 'reasoned',
    segments: text === null ? [] : segmentsOf(text, retriever, marked),
    terms: terms
      .filter((term) => greaterShare(term) > 0)
      .sort((a, b) => greaterShare(b) - greaterShare(a) || (a.term < b.term ? -1 : 1))
      .slice(0, termsKept),
    relevant: relevantId === undefined ? null : { id: relevantId, rank: ranked?.rank ?? null },
    other: other ? { id: other.id, rank: other.rank } : null,
  };
}

/** Of two searches that were fused, the reasoned query's says what the reasoner brought. */
function searchToMark(searches: readonly RetrievedWith[]): RetrievedWith | undefined {
  return searches.find(({ from }) => from !== 'query') ?? searches[0];
}

/** Term → part of the document's score; `null` where the index does not have the document. */
function sharesIn(
  retriever: TermRetriever,
  weights: NonNullable<RetrievedWith['weights']>,
  id: string,
): Map<string, number> | null {
  try {
    const shares = retriever.shares(weights, id);
    const sum = shares.reduce((total, { share }) => total + share, 0);
    return new Map(shares.filter(({ share }) => share > 0).map(({ term, share }) => [term, share / sum]));
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Whether `error` says that a document is not there: judgements may name ones that the corpus lacks. */
export function isMissing(error: unknown): boolean {
  return error instanceof QuernError && error.code === 'NOT_FOUND';
}

function greaterShare({ relevantShare, otherShare }: MarkedTerm): number {
  return Math.max(relevantShare ?? 0, otherShare ?? 0);
}

function strengthOf(partOfGreatest: number): 1 | 2 | 3 {
  return partOfGreatest >= 0.5 ? 3 : partOfGreatest >= 0.2 ? 2 : 1;
}

function segmentsOf(
  text: string,
  retriever: TermRetriever,
  marked: (term: string) => Omit<Segment, 'text'> | null,
): Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  for (const { term, start, end } of retriever.spans(text)) {
    const mark = start < at ? null : marked(term);
    if (!mark) continue;
    if (start > at) segments.push({ text: text.slice(at, start) });
    segments.push({ text: text.slice(start, end), ...mark });
    at = end;
  }
  if (at < text.length) segments.push({ text: text.slice(at) });
  return segments;
}
