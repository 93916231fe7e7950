/**
 * What reasoning about the traffic of a query log costs. It was measured on the judged queries; to the others their mean
 * is put. A quantity is known of a query where it was measured now for all that was asked about it: what was recorded before
 * took no time and cost nothing here, a recorded file does not know of tokens, and of a reply that was ended early or of a
 * call that failed a server tells nothing. Where a gate stood aside, nothing was taken.
 */
import type { LogTraffic } from '../collections/log-collection.ts';
import type { ReasonedQuery } from '../reason/reasoner.ts';
import { callsOf } from '../search/reasoning-plan.ts';
import type { TopicAnswer } from './evaluation.ts';

/** An amount for the traffic of a log. */
export interface TrafficAmount {
  /** What 1,000 searches take where each is reasoned about. */
  readonly perThousand: number;
  /** What they take where a cache answers each spelling of a query from the second time on. */
  readonly perThousandCached: number;
  /** What all of the traffic takes, in the same two ways. */
  readonly all: number;
  readonly allCached: number;
  /** Of how many queries it is known. */
  readonly queries: number;
}

/** What reasoning costs; `null` where no query tells. */
export interface ReasoningCost {
  readonly promptTokens: TrafficAmount | null;
  readonly completionTokens: TrafficAmount | null;
  /** Time of the reasoner, one query after the other. */
  readonly milliseconds: TrafficAmount | null;
  /** One amount a currency; empty where no prices are known. */
  readonly money: readonly (TrafficAmount & { readonly currency: string })[];
}

/** The cost of a run's reasoning for the traffic of a log. */
export function reasoningCost(answers: readonly TopicAnswer[], traffic: LogTraffic): ReasoningCost {
  const amount = (of: (call: ReasonedQuery) => number | undefined): TrafficAmount | null =>
    trafficAmount(answers, traffic, (answer) => sumOf(callsOf(answer).map(of)));
  const currencies = new Set(answers.flatMap(callsOf).flatMap(({ cost }) => cost?.currency ?? []));
  return {
    promptTokens: amount((each) => (hasTokens(each) && !each.uncounted ? each.promptTokens : undefined)),
    completionTokens: amount((each) => (hasTokens(each) ? each.completionTokens : undefined)),
    milliseconds: trafficAmount(answers, traffic, (answer) =>
      callsOf(answer).every(({ cached }) => !cached) ? answer.reasoned.milliseconds : undefined,
    ),
    money: [...currencies].flatMap((currency) => {
      const known = trafficAmount(answers, traffic, (answer) => paid(callsOf(answer), currency));
      return known === null ? [] : [{ ...known, currency }];
    }),
  };
}

function hasTokens({ cached, finish, promptTokens, completionTokens }: ReasonedQuery): boolean {
  return (!cached && finish !== 'failed') || promptTokens + completionTokens > 0;
}

/** What calls cost in a currency; undefined where that is not known of one, or has no price. */
function paid(calls: readonly ReasonedQuery[], currency: string): number | undefined {
  if (calls.some((call) => call.cached || call.uncounted || !hasTokens(call))) return undefined;
  const costs = calls.flatMap(({ cost }) => cost ?? []);
  if (costs.length === 0 && calls.some(({ finish }) => finish !== 'skipped')) return undefined;
  return costs.reduce((sum, cost) => (cost.currency === currency ? sum + cost.amount : sum), 0);
}

/** Undefined where one is. */
function sumOf(values: readonly (number | undefined)[]): number | undefined {
  let sum = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum += value;
  }
  return sum;
}

/**
 * Every search: the mean over the known queries, weighted by their searches, times all searches. Every spelling once: the
 * same weighted by their spellings, times all spellings.
 */
function trafficAmount(
  answers: readonly TopicAnswer[],
  { judged, unknown }: LogTraffic,
  of: (answer: TopicAnswer) => number | undefined,
): TrafficAmount | null {
  const known = { queries: 0, searches: 0, spellings: 0, bySearch: 0, bySpelling: 0 };
  const total = { searches: unknown.searches, spellings: unknown.spellings };
  for (const answer of answers) {
    const { searches, spellings } = judged.get(answer.topic.id)!;
    total.searches += searches;
    total.spellings += spellings;
    const value = of(answer);
    if (value === undefined) continue;
    known.queries++;
    known.searches += searches;
    known.spellings += spellings;
    known.bySearch += value * searches;
    known.bySpelling += value * spellings;
  }
  if (known.queries === 0) return null;
  const all = (known.bySearch / known.searches) * total.searches;
  const allCached = (known.bySpelling / known.spellings) * total.spellings;
  return {
    perThousand: (1000 * all) / total.searches,
    perThousandCached: (1000 * allCached) / total.searches,
    all,
    allCached,
    queries: known.queries,
  };
}
