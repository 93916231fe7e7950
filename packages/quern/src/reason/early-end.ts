import type { Enough, ReasonedQuery, TextEnd } from './reasoner.ts';

/** Where `enough` ends a text that is there as a whole; undefined where it takes all of it. */
export async function endOf(text: string, enough: Enough | undefined): Promise<TextEnd | undefined> {
  const end = await enough?.(text);
  return end && end.length < text.length ? end : undefined;
}

/** A reasoned query whose text is there as a whole, ended where `enough` says so. */
export async function endedEarly(
  reasoned: ReasonedQuery,
  enough: Enough | undefined,
): Promise<ReasonedQuery> {
  const end = await endOf(reasoned.text, enough);
  return end ? { ...reasoned, text: reasoned.text.slice(0, end.length), finish: 'early' } : reasoned;
}
