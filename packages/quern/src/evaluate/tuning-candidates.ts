import type { ReasonedQuery } from '../reason/reasoner.ts';
import type { Background } from '../search/background.ts';
import { combineNamed } from '../search/combine.ts';
import { joins } from '../search/join.ts';
import { planName, type NamedPlan } from '../search/plan-name.ts';
import type { SearchPlanning } from '../search/searches.ts';

/** A way of answering a question that has been reasoned about: one that tuning may choose. */
export interface AnswerCandidate {
  /** Its combination and what else there is, as the name of a run has it. */
  readonly name: string;
  /** What becomes of a question and its reasoned query. */
  readonly planning: Omit<SearchPlanning, 'retriever'>;
}

/** The combinations that are tried, the simplest first. */
const combinations: readonly string[] = [
  'replace',
  ...[1, 2, 3, 5].map((times) => `concat:${times}`),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((tenths) => `interpolate:0.${tenths}`),
  'rrf',
];

/** Those that are tried together with something else: a choice among very many is made by chance. */
const coreCombinations: readonly string[] = [
  'replace',
  'concat:1',
  'interpolate:0.1',
  'interpolate:0.2',
  'interpolate:0.3',
];

const keyTermShares: readonly number[] = [0.1, 0.2];

/** What names a planning: its combination, and what else there is, as `bm25+rm3/…` has it; `replace` where there is nothing. */
export function planningName(planning: Omit<NamedPlan, 'gate' | 'earlyStop' | 'rounds'>): string {
  return planName(planning).join('/') || 'replace';
}

/**
 * The candidates for questions with these reasoned queries: every combination; with key terms; with each of the `backgrounds`;
 * and, where several reasoners were asked, joined in each way. Term weights cannot be concatenated.
 */
export function answerCandidates(
  reasoned: readonly ReasonedQuery[],
  { backgrounds = [] }: { readonly backgrounds?: readonly Background[] } = {},
): AnswerCandidate[] {
  const isProse = reasoned.every((each) =>
    (each.parts ?? [each]).every(({ weights }) => weights === undefined),
  );
  const isSeveral = reasoned.some(({ parts }) => parts !== undefined);
  const [plainJoin, ...otherJoins] = isProse ? joins : joins.filter((join) => join !== 'concat');
  const own = isSeveral ? { join: plainJoin } : {};
  const plannings = [
    ...combinations.map((combine) => ({ ...own, combine })),
    ...keyTermShares.map((keyTerms) => ({ ...own, combine: 'replace', keyTerms })),
    ...(isSeveral
      ? otherJoins.flatMap((join) => coreCombinations.map((combine) => ({ join, combine })))
      : []),
    ...backgrounds.flatMap((background) =>
      coreCombinations.map((combine) => ({ ...own, combine, background })),
    ),
  ];
  return plannings
    .filter(({ combine }) => isProse || !combine.startsWith('concat:'))
    .map((each) => {
      const planning = { ...each, combine: combineNamed(each.combine) };
      return { name: planningName(planning), planning };
    });
}
