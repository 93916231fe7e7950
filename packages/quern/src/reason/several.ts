import { QuernError } from '../errors.ts';
import { stopSignal } from '../stop-signal.ts';
import { joinedReasoned } from './joined-reasoned.ts';
import type { ReasonedQuery, Reasoner, ReasonOptions } from './reasoner.ts';

/** One of several that are asked about each query. */
export interface Member {
  readonly reasoner: Reasoner;
  /** Which of its samples; see {@link ReasonOptions.sample}. */
  readonly sample: number;
}

/**
 * Several reasoners, or several samples of one, asked about each query: `join:A,B`, `3*A`. Their reasoned queries are the
 * `parts` of its own, and its text is theirs, one after the other; how they are searched is the pipeline's affair.
 */
export class SeveralReasoner implements Reasoner {
  readonly id: string;
  readonly members: readonly Member[];

  /** Closing it closes the members. Throws `USAGE` without any. */
  constructor(id: string, members: readonly Member[]) {
    if (members.length === 0) throw new QuernError('USAGE', `${id} names no reasoner`);
    this.id = id;
    this.members = members;
  }

  /** As many queries at once as the member that takes the fewest. */
  get parallel(): number {
    return Math.min(...this.members.map(({ reasoner }) => reasoner.parallel ?? 1));
  }

  get takesPassages(): boolean {
    return this.members.some(({ reasoner }) => reasoner.takesPassages);
  }

  /** The members' reasoned queries, made at the same time; the first error of one stops all, and is thrown. */
  async reason(query: string, options: ReasonOptions = {}): Promise<ReasonedQuery> {
    return reasonedByEach(
      this,
      query,
      ({ reasoner, sample }, signal) => reasoner.reason(query, { ...options, sample, signal }),
      options.signal,
    );
  }

  async ready(options?: Pick<ReasonOptions, 'signal'>): Promise<void> {
    for (const reasoner of this.#reasoners()) await reasoner.ready?.(options);
  }

  async close(): Promise<void> {
    const closed = await Promise.allSettled(this.#reasoners().map((reasoner) => reasoner.close()));
    for (const each of closed) if (each.status === 'rejected') throw each.reason;
  }

  #reasoners(): Reasoner[] {
    return [...new Set(this.members.map(({ reasoner }) => reasoner))];
  }
}

/** What each member says, asked at the same time, joined; see {@link SeveralReasoner.reason}. `outer` stops all. */
export async function reasonedByEach(
  { id, members }: { readonly id: string; readonly members: readonly Member[] },
  query: string,
  ask: (member: Member, signal: AbortSignal) => Promise<ReasonedQuery>,
  outer: AbortSignal | undefined,
): Promise<ReasonedQuery> {
  const started = performance.now();
  const { signal, stop } = stopSignal(outer);
  try {
    const parts = await Promise.all(members.map((member) => ask(member, signal)));
    return { ...joinedReasoned(query, id, parts), milliseconds: performance.now() - started };
  } finally {
    stop();
  }
}
