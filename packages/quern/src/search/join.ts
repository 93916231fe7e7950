import { QuernError } from '../errors.ts';

/** How several reasoned queries of one query are joined. */
export type Join =
  /** Their texts, one after the other, are one text. */
  | 'concat'
  /** The mean of their term weights, each scaled to sum 1. */
  | 'interpolate'
  /** Each is searched, and the rankings are fused by reciprocal ranks. */
  | 'rrf';

/** All ways, the default first. */
export const joins: readonly Join[] = ['concat', 'interpolate', 'rrf'];

/** The way that a string names. Throws `USAGE`. */
export function joinNamed(name: string): Join {
  const join = joins.find((each) => each === name);
  if (join) return join;
  throw new QuernError('USAGE', `unknown way of joining ${JSON.stringify(name)}`, {
    hint: `Use ${joins.join(', ')}`,
  });
}
