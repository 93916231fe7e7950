import { reasonedByEach, type Member } from '../reason/several.ts';
import type { Cut, ReasonedQuery, ReasonOptions } from '../reason/reasoner.ts';
import type { EarlyStop } from './early-stop.ts';
import type { ReasoningPlan } from './reasoning-plan.ts';
import { StableRanking } from './stable-ranking.ts';

/**
 * Asks a reasoner, each of several by itself, and ends texts whose rankings are stable. Where passages are shown, only those who
 * take them are asked.
 */
export class WatchedReasoning {
  readonly #plan: ReasoningPlan;
  #probing = { probes: 0, milliseconds: 0 };

  constructor(plan: ReasoningPlan) {
    this.#plan = plan;
  }

  get probing(): { readonly probes: number; readonly milliseconds: number } {
    return this.#probing;
  }

  get reasonerId(): string {
    return this.#plan.reasoner.id;
  }

  async reason(query: string, options: ReasonOptions): Promise<ReasonedQuery> {
    const { reasoner, earlyStop } = this.#plan;
    const watches: (StableRanking | undefined)[] = [];
    const watched = (): ReasonOptions => {
      const watch = earlyStop && this.#watch(query, earlyStop, options);
      watches.push(watch);
      return watch ? { ...options, enough: watch.enough } : options;
    };
    const { id, members } = reasoner;
    // Who is not shown passages would say again what it has said.
    const isShown = (options.passages?.length ?? 0) > 0;
    const optionsOf = ({ reasoner: { takesPassages } }: Member): ReasonOptions | undefined => {
      if (!isShown || takesPassages) return watched();
      watches.push(undefined);
      return undefined;
    };
    const asked = members
      ? reasonedByEach({ id, members }, query, optionsOf, options.signal)
      : reasoner.reason(query, watched());
    // A call that is broken off has been looked at all the same.
    const reasoned = await asked.finally(() => this.#count(watches));
    if (!reasoned.parts) return withStableCut(reasoned, watches[0]);
    const parts = reasoned.parts.map((part, i) => withStableCut(part, watches[i]));
    const cuts = parts.flatMap((part) => part.cuts ?? []);
    return { ...reasoned, parts, ...(cuts.length > 0 && { cuts }) };
  }

  #count(watches: readonly (StableRanking | undefined)[]): void {
    const { probes, milliseconds } = this.#probing;
    this.#probing = {
      probes: watches.reduce((sum, watch) => sum + (watch?.probes ?? 0), probes),
      milliseconds: watches.reduce((sum, watch) => sum + (watch?.milliseconds ?? 0), milliseconds),
    };
  }

  #watch(query: string, earlyStop: EarlyStop, { excluded, signal }: ReasonOptions): StableRanking {
    const { retriever, combine } = this.#plan;
    return new StableRanking(retriever, earlyStop, {
      excluded: excluded && [...excluded],
      signal,
      ...(combine.kind === 'concat' && { beside: `${query} `.repeat(combine.times) }),
    });
  }
}

/** Says of a text that ended early why it did, where its reasoner has not. */
function withStableCut(reasoned: ReasonedQuery, watch: StableRanking | undefined): ReasonedQuery {
  const { finish, cuts = [] } = reasoned;
  const why = watch?.end?.why;
  if (finish !== 'early' || why === undefined || cuts.some(({ kind }) => kind === 'stable')) return reasoned;
  const cut: Cut = { kind: 'stable', why, text: '' };
  return { ...reasoned, cuts: [...cuts, cut] };
}
