import type { SampledCompletion } from '../../../../quern/src/train/watch/wire.ts';

/** The orders that completions are shown in, with what they are called. */
export const completionOrders = [
  ['best', 'highest reward first'],
  ['worst', 'lowest reward first'],
  ['long', 'longest first'],
  ['drawn', 'as they were drawn'],
] as const;

export type CompletionOrder = (typeof completionOrders)[number][0];

/** Missing rewards come last. */
const comparisons: Readonly<Record<CompletionOrder, (a: SampledCompletion, b: SampledCompletion) => number>> =
  {
    best: (a, b) => (b.reward ?? -Infinity) - (a.reward ?? -Infinity) || 0,
    worst: (a, b) => (a.reward ?? Infinity) - (b.reward ?? Infinity) || 0,
    long: (a, b) => (b.tokens ?? b.text.length) - (a.tokens ?? a.text.length),
    drawn: () => 0,
  };

/** The completions in an order. */
export function ordered(
  completions: readonly SampledCompletion[],
  order: CompletionOrder,
): SampledCompletion[] {
  return completions.toSorted(comparisons[order]);
}
