import { QuernError } from '../../errors.ts';
import type { Call } from './route.ts';

/** A whole number of a query string. Throws `BAD_INPUT` for what is none, or out of bounds. */
export function numberOf(
  query: Call<unknown>['query'],
  name: string,
  { least, most, otherwise }: { readonly least: number; readonly most: number; readonly otherwise: number },
): number {
  const given = query[name];
  if (given === undefined) return otherwise;
  const number = typeof given === 'string' && /^\d{1,10}$/.test(given) ? Number(given) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new QuernError('BAD_INPUT', `must be a whole number from ${least} to ${most}`, { where: name });
}
