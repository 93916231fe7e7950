import { QuernError } from '../errors.ts';

/** How the query and its reasoned query are joined. */
export type Combine =
  /** The reasoned query alone. */
  | { readonly kind: 'replace' }
  /** The query `times` times, then the reasoned query. */
  | { readonly kind: 'concat'; readonly times: number }
  /** Term weights: `weight` times the query's plus `1 - weight` times the reasoned query's, each scaled to sum 1. */
  | { readonly kind: 'interpolate'; readonly weight: number }
  /** Both are searched and the rankings fused by reciprocal ranks. */
  | { readonly kind: 'rrf' };

/** The combination that a string names: `replace`, `concat:N`, `interpolate:W` or `rrf`. Throws `USAGE`. */
export function combineNamed(name: string): Combine {
  if (name === 'replace' || name === 'rrf') return { kind: name };
  const [, kind, value] = /^(concat|interpolate):(\d+(?:\.\d+)?)$/.exec(name) ?? [];
  const number = Number(value);
  if (kind === 'concat' && Number.isInteger(number) && number >= 1 && number <= 100) {
    return { kind, times: number };
  }
  if (kind === 'interpolate' && number <= 1) return { kind, weight: number };
  throw new QuernError('USAGE', `unknown combination ${JSON.stringify(name)}`, {
    hint: 'Use replace, concat:N (N from 1 to 100), interpolate:W (W from 0 to 1) or rrf',
  });
}

/** The string that names a combination. */
export function combineName(combine: Combine): string {
  if (combine.kind === 'concat') return `concat:${combine.times}`;
  if (combine.kind === 'interpolate') return `interpolate:${combine.weight}`;
  return combine.kind;
}
