/** A term of a text and where its token stands in it, in UTF-16 code units. */
export interface TermSpan {
  readonly term: string;
  readonly start: number;
  readonly end: number;
}

/** Turns text into terms. Stateless to its callers: the same text gives the same terms. */
export interface Analyzer {
  /** The string that names it in indexes, options and reports, e.g. `english`. */
  readonly name: string;
  /** The terms of `text`, in order, repeated as often as they occur. */
  terms(text: string): string[];
  /** The terms of `text` with the places of their tokens. */
  spans(text: string): TermSpan[];
}
