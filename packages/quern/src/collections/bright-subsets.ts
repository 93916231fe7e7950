import { QuernError } from '../errors.ts';

/** BRIGHT's 12 subsets, in the order of the paper's tables (arXiv 2407.12883). */
export const BRIGHT_SUBSETS = [
  'biology',
  'earth_science',
  'economics',
  'psychology',
  'robotics',
  'stackoverflow',
  'sustainable_living',
  'leetcode',
  'pony',
  'aops',
  'theoremqa_questions',
  'theoremqa_theorems',
] as const;

export type BrightSubset = (typeof BRIGHT_SUBSETS)[number];

/** The subsets that also come with whole web pages as documents: `gold_ids_long` is `["N/A"]` in the others. */
export const BRIGHT_LONG_SUBSETS: readonly BrightSubset[] = [
  'biology',
  'earth_science',
  'economics',
  'psychology',
  'robotics',
  'stackoverflow',
  'sustainable_living',
  'pony',
];

/** One subset of BRIGHT, in its usual variant (passages) or, where `long` is set, with whole web pages as documents. */
export interface BrightVariant {
  readonly subset: BrightSubset;
  readonly long: boolean;
}

/** The subset called `name`, with hyphens or underscores. Throws `USAGE`, naming all subsets. */
export function brightSubset(name: string): BrightSubset {
  const subset = BRIGHT_SUBSETS.find((known) => known === name.replaceAll('-', '_'));
  if (subset !== undefined) return subset;
  throw new QuernError('USAGE', `BRIGHT has no subset ${JSON.stringify(name)}`, {
    hint: `Its subsets are ${BRIGHT_SUBSETS.join(', ')}`,
  });
}

/**
 * The variant that `SUBSET` or `SUBSET:long` names. Throws `USAGE` for an unknown subset, and for one that has no long
 * documents.
 */
export function brightVariant(name: string): BrightVariant {
  const long = name.endsWith(':long');
  const subset = brightSubset(long ? name.slice(0, -':long'.length) : name);
  if (long && !BRIGHT_LONG_SUBSETS.includes(subset)) {
    throw new QuernError('USAGE', `BRIGHT has no long documents for ${subset}`, {
      hint: `It has them for ${BRIGHT_LONG_SUBSETS.join(', ')}`,
    });
  }
  return { subset, long };
}

/** The canonical name of a variant as a collection: `bright:SUBSET` or `bright:SUBSET:long`. */
export function brightName({ subset, long }: BrightVariant): string {
  return long ? `bright:${subset}:long` : `bright:${subset}`;
}
