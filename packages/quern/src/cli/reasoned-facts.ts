import type { Failure, ReasonedQuery } from '../reason/reasoner.ts';
import { durationText } from './output.ts';

/** How a reasoned query came to be, on one line: its end, tokens, time, and what it cost. */
export function reasonedFacts(reasoned: ReasonedQuery): string {
  const { finish, completionTokens, tokensPerSecond, milliseconds, cached, cost, uncounted } = reasoned;
  const rate = tokensPerSecond === undefined ? '' : ` (${tokensPerSecond.toFixed(1)} a second)`;
  const parts = [
    finish === 'length' ? 'cut at the most tokens' : finish,
    ...(completionTokens > 0 ? [`${completionTokens} tokens${rate}`] : []),
    durationText(milliseconds),
    ...(uncounted ? ['the server did not say what it took'] : []),
    ...(cached ? ['recorded before'] : []),
    ...(cost ? [`${cost.amount.toFixed(6)} ${cost.currency}`] : []),
  ];
  return parts.join(', ');
}

/** What failed and why, on one line; most messages begin with the reasoner's name. */
export function failureLine(reasoner: string, { message }: Failure): string {
  return message.startsWith(reasoner) ? message : `${reasoner} failed: ${message}`;
}
