import type { FinishReason, Money, ReasonedQuery } from './reasoner.ts';

/** From the least to the most that can be said against a text. */
const ends: readonly FinishReason[] = ['stop', 'early', 'length'];

/**
 * Several reasoned queries of one query as one: its text is theirs, one after the other; tokens, milliseconds and costs are
 * sums. It failed, or was skipped, only where none of them has a text or weights.
 */
export function joinedReasoned(
  query: string,
  reasoner: string,
  parts: readonly ReasonedQuery[],
): ReasonedQuery {
  const made = parts.filter(({ text, weights }) => text !== '' || weights !== undefined);
  const texts = made.map(({ text }) => text).filter((text) => text !== '');
  const failed = parts.find(({ failure }) => failure !== undefined);
  const sum = (of: (part: ReasonedQuery) => number): number =>
    parts.reduce((total, part) => total + of(part), 0);
  const cuts = parts.flatMap((part) => part.cuts ?? []);
  const cost = summedCost(parts);
  return {
    query,
    text: texts.join('\n\n'),
    reasoner,
    finish:
      made.length === 0
        ? failed
          ? 'failed'
          : 'skipped'
        : (ends.findLast((end) => made.some(({ finish }) => finish === end)) ?? 'stop'),
    promptTokens: sum(({ promptTokens }) => promptTokens),
    completionTokens: sum(({ completionTokens }) => completionTokens),
    milliseconds: sum(({ milliseconds }) => milliseconds),
    cached: made.length > 0 && made.every(({ cached }) => cached),
    ...(made.length === 0 && failed && { failure: failed.failure }),
    ...(parts.some(({ uncounted }) => uncounted) && { uncounted: true as const }),
    ...(cuts.length > 0 && { cuts }),
    ...(cost && { cost }),
    parts,
  };
}

/** The sum of what they cost; undefined where that is not known of any, or is in several currencies. */
function summedCost(parts: readonly ReasonedQuery[]): Money | undefined {
  const costs = parts.flatMap(({ cost }) => cost ?? []);
  const [first] = costs;
  if (first === undefined || costs.some(({ currency }) => currency !== first.currency)) return undefined;
  return { amount: costs.reduce((total, { amount }) => total + amount, 0), currency: first.currency };
}
