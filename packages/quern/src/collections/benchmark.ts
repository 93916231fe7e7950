import { QuernError } from '../errors.ts';
import type { Corpus, CorpusOptions } from './corpus.ts';
import type { HubPlaces } from './hub-dataset.ts';
import type { JudgedTopics } from './judgements.ts';

/** A published benchmark of several collections, each called `PREFIX:SUBSET`. */
export interface Benchmark {
  /** What its authors call it, e.g. `R2MED`. */
  readonly title: string;
  /** The beginning of its collections' names, e.g. `r2med`. */
  readonly prefix: string;
  /** Its subsets as its authors spell them, in the order of their tables. */
  readonly subsets: readonly string[];
  /** How its published lexical baseline weights terms: `bm25q` only where that is query-side BM25. */
  readonly defaultScoring: 'bm25' | 'bm25q';
  /** The topics of a subset. Throws `NOT_FOUND`, naming the places looked in, and `BAD_INPUT` for malformed records. */
  readTopics(subset: string, places: HubPlaces, options: CorpusOptions): Promise<JudgedTopics>;
  /** The documents of a subset. Throws `NOT_FOUND`, naming the places looked in and what to put there. */
  corpus(subset: string, places: HubPlaces, options: CorpusOptions): Promise<Corpus>;
}

/**
 * The subset called `name`, in capitals or not, with hyphens or underscores. Throws `USAGE`, naming all subsets.
 */
export function benchmarkSubset({ title, subsets }: Benchmark, name: string): string {
  const subset = subsets.find((known) => foldedName(known) === foldedName(name));
  if (subset !== undefined) return subset;
  throw new QuernError('USAGE', `${title} has no subset ${JSON.stringify(name)}`, {
    hint: `Its subsets are ${subsets.join(', ')}`,
  });
}

function foldedName(name: string): string {
  return name.toLowerCase().replaceAll('-', '_');
}

/** The canonical name of a subset as a collection. */
export function benchmarkName({ prefix }: Benchmark, subset: string): string {
  return `${prefix}:${subset}`;
}
