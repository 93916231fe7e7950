import type { Failure } from '../reason/reasoner.ts';
import { callsOf, type Reasoning } from '../search/reasoning-plan.ts';
import { note } from './output.ts';

/** How many different reasons are shown. */
const mostReasons = 5;

/** What failed of a question that was reasoned about all the same: some of several reasoners, or a later round. */
export function failuresInPart(reasoning: Reasoning): Failure[] {
  return reasoning.reasoned.failure ? [] : callsOf(reasoning).flatMap(({ failure }) => failure ?? []);
}

/** How many different reasons are counted each by itself. */
const mostCounted = 1000;

/** Failures, counted by their reasons: however many there are, they take no memory. */
export class FailureCounts {
  /** All failures. */
  count = 0;
  readonly #reasons = new Map<string, number>();
  #others = 0;

  add({ message }: Failure): void {
    this.count++;
    const times = this.#reasons.get(message);
    if (times === undefined && this.#reasons.size === mostCounted) this.#others++;
    else this.#reasons.set(message, (times ?? 0) + 1);
  }

  /** Says how often each reason stands among them, the most frequent first: under a note that says what failed. */
  note(): void {
    const sorted = [...this.#reasons].toSorted(([, a], [, b]) => b - a);
    for (const [message, count] of sorted.slice(0, mostReasons)) {
      note(`quern:   ${count} time${count === 1 ? '' : 's'}: ${message}`);
    }
    const more = sorted.length - mostReasons + this.#others;
    if (more > 0) note(`quern:   and for ${more} more reason${more === 1 ? '' : 's'}`);
  }
}

/** {@link FailureCounts.note} of these. */
export function noteReasons(failures: Iterable<Failure>): void {
  const counts = new FailureCounts();
  for (const failure of failures) counts.add(failure);
  counts.note();
}
