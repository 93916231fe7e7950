import type { TermWeights } from '../collections/records.ts';
import type { TermSpan } from '../text/analyzer.ts';
import { wordSpans, type WordSpan } from '../text/words.ts';

/**
 * The passage of at most `words` words in a row that a query says most about: the first of those whose terms, each counted
 * once, have the largest sum of weights. White space in it is single spaces.
 */
export function bestPassage(
  text: string,
  spans: readonly TermSpan[],
  weights: TermWeights,
  words: number,
): string {
  const all = wordSpans(text);
  const first = firstOfBest(all, spans, weights, words);
  const last = all[Math.min(first + words, all.length) - 1];
  return last === undefined ? '' : text.slice(all[first].start, last.end).replace(/\s+/gu, ' ');
}

/** The number of the first word of the best window. */
function firstOfBest(
  words: readonly WordSpan[],
  spans: readonly TermSpan[],
  weights: TermWeights,
  size: number,
): number {
  const counts = new Map<string, number>();
  let sum = 0;
  let best = 0;
  let bestSum = 0;
  let entered = 0;
  let left = 0;
  for (let end = 0; end < words.length; end++) {
    for (; entered < spans.length && spans[entered].start < words[end].end; entered++) {
      const { term } = spans[entered];
      const count = counts.get(term) ?? 0;
      counts.set(term, count + 1);
      if (count === 0) sum += weights.get(term) ?? 0;
    }
    const first = Math.max(0, end - size + 1);
    for (; left < entered && spans[left].start < words[first].start; left++) {
      const { term } = spans[left];
      const count = counts.get(term)! - 1;
      counts.set(term, count);
      if (count === 0) sum -= weights.get(term) ?? 0;
    }
    // Sums of the same weights in another order differ by their rounding.
    if (sum > bestSum * (1 + 1e-9)) {
      bestSum = sum;
      best = first;
    }
  }
  return best;
}
