import type { ReasonedQuery } from '../reason/reasoner.ts';
import { combineNamed, type Combine } from '../search/combine.ts';

/** A way of answering a question that has been reasoned about: one that tuning may choose. */
export interface AnswerCandidate {
  /** As `--combine` takes it. */
  readonly name: string;
  /** What is combined, and how, for a question with this reasoned query. */
  settings(reasoned: ReasonedQuery): { readonly reasoned: ReasonedQuery; readonly combine: Combine };
}

/** The combinations that are tried, the simplest first. */
const combinations: readonly string[] = [
  'replace',
  ...[1, 2, 3, 5].map((times) => `concat:${times}`),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((tenths) => `interpolate:0.${tenths}`),
  'rrf',
];

/** The candidates for questions with these reasoned queries: term weights cannot be concatenated. */
export function answerCandidates(reasoned: readonly ReasonedQuery[]): AnswerCandidate[] {
  const isProse = reasoned.every(({ weights }) => weights === undefined);
  return combinations
    .filter((name) => isProse || !name.startsWith('concat:'))
    .map((name) => {
      const combine = combineNamed(name);
      return { name, settings: (each) => ({ reasoned: each, combine }) };
    });
}
