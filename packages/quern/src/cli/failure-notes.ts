import type { Failure } from '../reason/reasoner.ts';
import { callsOf, type Reasoning } from '../search/reasoning-plan.ts';
import { note } from './output.ts';

/** How many different reasons are shown. */
const mostReasons = 5;

/** What failed of a question that was reasoned about all the same: some of several reasoners, or a later round. */
export function failuresInPart(reasoning: Reasoning): Failure[] {
  return reasoning.reasoned.failure ? [] : callsOf(reasoning).flatMap(({ failure }) => failure ?? []);
}

/** Says how often each reason stands among failures, the most frequent first: under a note that says what failed. */
export function noteReasons(failures: Iterable<Failure>): void {
  const reasons = new Map<string, number>();
  for (const { message } of failures) reasons.set(message, (reasons.get(message) ?? 0) + 1);
  const sorted = [...reasons].toSorted(([, a], [, b]) => b - a);
  for (const [message, count] of sorted.slice(0, mostReasons)) {
    note(`quern:   ${count} time${count === 1 ? '' : 's'}: ${message}`);
  }
  const more = sorted.length - mostReasons;
  if (more > 0) note(`quern:   and for ${more} more reason${more === 1 ? '' : 's'}`);
}
