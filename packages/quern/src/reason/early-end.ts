import type { Enough, ReasonedQuery } from './reasoner.ts';

/** A reasoned query whose text is there as a whole, ended where `enough` says so. */
export async function endedEarly(
  reasoned: ReasonedQuery,
  enough: Enough | undefined,
): Promise<ReasonedQuery> {
  const { text } = reasoned;
  const end = await enough?.(text);
  if (!end || end.length >= text.length) return reasoned;
  return { ...reasoned, text: text.slice(0, end.length), finish: 'early' };
}
