import type { ReasonedQuery, Reasoner, ReasonOptions } from './reasoner.ts';

/** A reasoner's text in pieces as they come; in one piece where it does not stream, in none where it yields weights. */
export async function* textPieces(
  reasoner: Reasoner,
  query: string,
  options: ReasonOptions,
): AsyncGenerator<string, ReasonedQuery, undefined> {
  if (reasoner.stream) return yield* reasoner.stream(query, options);
  const reasoned = await reasoner.reason(query, options);
  if (reasoned.text !== '' && !reasoned.weights) yield reasoned.text;
  return reasoned;
}
