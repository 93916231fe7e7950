import { reasonedByEach, SeveralReasoner } from '../reason/several.ts';
import type { Cut, ReasonedQuery, ReasonOptions } from '../reason/reasoner.ts';
import { StableRanking, type EarlyStop } from './early-stop.ts';
import type { ReasoningPlan } from './reasoning-plan.ts';

/** Asks a reasoner, each of several by itself, and ends texts whose rankings are stable. */
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
    if (!earlyStop) return reasoner.reason(query, options);
    const watches: StableRanking[] = [];
    const optionsOf = (): ReasonOptions => {
      const watch = this.#watch(query, earlyStop, options);
      watches.push(watch);
      return { ...options, enough: watch.enough };
    };
    const reasoned =
      reasoner instanceof SeveralReasoner
        ? await reasonedByEach(reasoner, query, optionsOf, options.signal)
        : await reasoner.reason(query, optionsOf());
    const { probes, milliseconds } = this.#probing;
    this.#probing = {
      probes: watches.reduce((sum, watch) => sum + watch.probes, probes),
      milliseconds: watches.reduce((sum, watch) => sum + watch.milliseconds, milliseconds),
    };
    if (!(reasoner instanceof SeveralReasoner) || !reasoned.parts) return withStableCut(reasoned, watches[0]);
    const parts = reasoned.parts.map((part, i) => withStableCut(part, watches[i]));
    const cuts = parts.flatMap((part) => part.cuts ?? []);
    return { ...reasoned, parts, ...(cuts.length > 0 && { cuts }) };
  }

  #watch(query: string, earlyStop: EarlyStop, { excluded }: ReasonOptions): StableRanking {
    const { retriever, combine } = this.#plan;
    return new StableRanking(retriever, earlyStop, {
      excluded: excluded && [...excluded],
      ...(combine.kind === 'concat' && { beside: `${query} `.repeat(combine.times) }),
    });
  }
}

/** Says of a text that ended early why it did, where its reasoner has not. */
function withStableCut(reasoned: ReasonedQuery, watch: StableRanking): ReasonedQuery {
  const { finish, cuts = [] } = reasoned;
  const why = watch.end?.why;
  if (finish !== 'early' || why === undefined || cuts.some(({ kind }) => kind === 'stable')) return reasoned;
  const cut: Cut = { kind: 'stable', why, text: '' };
  return { ...reasoned, cuts: [...cuts, cut] };
}
