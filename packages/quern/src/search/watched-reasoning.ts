import { reasonedByEach, type Member } from '../reason/several.ts';
import type { Cut, ReasonedQuery, Reasoner, ReasonOptions } from '../reason/reasoner.ts';
import { withoutText } from '../reason/without-text.ts';
import type { EarlyStop } from './early-stop.ts';
import type { ReasoningPlan } from './reasoning-plan.ts';
import { StableRanking } from './stable-ranking.ts';

/** What a reasoner that failed is taken to have said. Throws where it must not have failed. */
export type OnFailure = (error: unknown, reasoner: Reasoner, milliseconds: number) => ReasonedQuery;

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

  /**
   * What the reasoner says; of each that fails, what `failed` makes of that, without which it is thrown. Where passages are
   * shown, only those of several are asked who take them: others would say again what they have said.
   */
  async reason(query: string, options: ReasonOptions, failed?: OnFailure): Promise<ReasonedQuery> {
    const { reasoner: asked, earlyStop } = this.#plan;
    const watches: (StableRanking | undefined)[] = [];
    const says = async (reasoner: Reasoner, own: ReasonOptions): Promise<ReasonedQuery> => {
      const watch = earlyStop && this.#watch(query, earlyStop, own);
      watches.push(watch);
      const started = performance.now();
      try {
        return await reasoner.reason(query, watch ? { ...own, enough: watch.enough } : own);
      } catch (error) {
        if (!failed) throw error;
        return failed(error, reasoner, performance.now() - started);
      }
    };
    const { id, members } = asked;
    const isShown = (options.passages?.length ?? 0) > 0;
    const ask = async ({ reasoner, sample }: Member, signal: AbortSignal): Promise<ReasonedQuery> => {
      if (!isShown || reasoner.takesPassages) return says(reasoner, { ...options, sample, signal });
      watches.push(undefined);
      return withoutText(query, reasoner.id, { finish: 'skipped' });
    };
    const told = members ? reasonedByEach({ id, members }, query, ask, options.signal) : says(asked, options);
    // A call that is broken off has been looked at all the same.
    const reasoned = await told.finally(() => this.#count(watches));
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
