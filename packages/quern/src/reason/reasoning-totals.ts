import type { Money, ReasonedQuery } from './reasoner.ts';

/** What reasoning about many queries came to. */
export interface ReasoningTotals {
  /** Queries whose reasoner failed, so that they stood alone. */
  readonly failed: number;
  /** Queries whose reasoned query had been recorded before. */
  readonly cached: number;
  /** Reasoned queries that were cut at the most tokens. */
  readonly cut: number;
  /** Reasoned queries that were ended early, their ranking being stable. */
  readonly early: number;
  /** Queries that a gate decided not to reason about. */
  readonly skipped: number;
  /** Queries of which a server did not say what they took: their prompts and what they cost are not in these sums. */
  readonly uncounted: number;
  /** Tokens that language models took in and wrote, those of recorded ones left out. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** What it cost, an amount a currency; empty where no prices are known. */
  readonly cost: readonly Money[];
}

/** What is counted of a reasoned query, whatever form its weights have. */
export type CountedQuery = Omit<ReasonedQuery, 'weights' | 'parts'> & {
  readonly parts?: readonly CountedQuery[];
};

/**
 * Sums over reasoned queries. `calls` are what models were asked to make them, each by itself: where a query was asked about
 * several times, some of these can have been recorded before, and others not. Default: the reasoned queries, or their parts.
 */
export function reasoningTotals(
  reasoned: readonly CountedQuery[],
  calls: Iterable<CountedQuery> = reasoned.flatMap((each) => each.parts ?? [each]),
): ReasoningTotals {
  const totals = {
    failed: 0,
    cached: 0,
    cut: 0,
    early: 0,
    skipped: 0,
    uncounted: 0,
    promptTokens: 0,
    completionTokens: 0,
  };
  const paid: Money[] = [];
  for (const each of reasoned) {
    if (each.finish === 'failed') totals.failed++;
    if (each.finish === 'length') totals.cut++;
    if (each.finish === 'early') totals.early++;
    if (each.skipped !== undefined) totals.skipped++;
    if (each.uncounted) totals.uncounted++;
    if (each.cached) totals.cached++;
  }
  for (const { cached, promptTokens, completionTokens, cost } of calls) {
    // What was recorded costs nothing, and its tokens were paid before.
    if (cost) paid.push(cost);
    if (cached) continue;
    totals.promptTokens += promptTokens;
    totals.completionTokens += completionTokens;
  }
  return { ...totals, cost: summedMoney(paid) };
}

/** The totals of several. */
export function summedTotals(all: readonly ReasoningTotals[]): ReasoningTotals {
  const sum = (of: Exclude<keyof ReasoningTotals, 'cost'>): number =>
    all.reduce((total, each) => total + each[of], 0);
  return {
    failed: sum('failed'),
    cached: sum('cached'),
    cut: sum('cut'),
    early: sum('early'),
    skipped: sum('skipped'),
    uncounted: sum('uncounted'),
    promptTokens: sum('promptTokens'),
    completionTokens: sum('completionTokens'),
    cost: summedMoney(all.flatMap(({ cost }) => cost)),
  };
}

function summedMoney(amounts: readonly Money[]): Money[] {
  const sums = new Map<string, number>();
  for (const { amount, currency } of amounts) sums.set(currency, (sums.get(currency) ?? 0) + amount);
  return Array.from(sums, ([currency, amount]) => ({ amount, currency }));
}
