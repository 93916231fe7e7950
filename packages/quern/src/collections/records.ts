/** A document of a corpus. What is indexed is its {@link documentText}. */
export interface Document {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** Further fields of the record, kept for display. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A document that comes as term frequencies (JSON vectors), already analysed. */
export interface TermVector {
  readonly id: string;
  /** Term → term frequency, a positive integer. */
  readonly vector: ReadonlyMap<string, number>;
}

/** A question of a test collection. */
export interface Topic {
  readonly id: string;
  readonly text: string;
  /** Ids of documents that are removed from this topic's ranking before the cut at k (BRIGHT's `excluded_ids`). */
  readonly excluded: readonly string[];
}

/** Relevance judgements: topic id → document id → level (0 or less: judged not relevant). */
export type Qrels = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** One document of a ranking. `rank` counts from 1. */
export interface Hit {
  readonly id: string;
  readonly score: number;
  readonly rank: number;
}

/** Rankings of many topics: topic id → hits, best first. */
export interface Run {
  readonly name: string;
  readonly rankings: ReadonlyMap<string, readonly Hit[]>;
}

/** Final term weights w(t,q) of a query, whatever the scoring that made them: term of the index → weight. */
export type TermWeights = ReadonlyMap<string, number>;

/** The text of a document that is analysed: its title, a space, its text; the text alone when the title is empty. */
export function documentText(document: Pick<Document, 'title' | 'text'>): string {
  return document.title === '' ? document.text : `${document.title} ${document.text}`;
}
