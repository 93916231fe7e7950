import { QuernError } from '../errors.ts';
import { excerpt } from './jsonl.ts';
import { kindOf } from './record-fields.ts';

/** Numbers below it are seconds, those from it on milliseconds: the year 5138, or March 1973. */
const leastMilliseconds = 1e11;
const latest = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

const iso = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(?:(Z)|([+-]\d\d):?(\d\d))?)?$/i;

/**
 * A time of a log in milliseconds since 1970: ISO 8601 (a space for its `T` will do; without a zone it is UTC), or seconds
 * or milliseconds since 1970, as a number or its digits. Throws `BAD_INPUT` at `where`.
 */
export function logTime(value: unknown, where: string): number {
  const milliseconds = typeof value === 'string' ? timeOfText(value.trim()) : timeOfNumber(value);
  if (milliseconds >= 0 && milliseconds <= latest) return milliseconds;
  const shown =
    typeof value === 'string' || typeof value === 'number' ? excerpt(String(value)) : kindOf(value);
  throw new QuernError('BAD_INPUT', `time is ${shown}, which is no time`, {
    where,
    hint: 'Times are in ISO 8601, or in seconds or milliseconds since 1970',
  });
}

function timeOfText(text: string): number {
  if (/^\d+(?:\.\d+)?$/.test(text)) return timeOfNumber(Number(text));
  const [, date, clock = '00:00', , hours, minutes] = iso.exec(text) ?? [];
  if (date === undefined) return NaN;
  return Date.parse(`${date}T${clock}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`);
}

function timeOfNumber(value: unknown): number {
  if (typeof value !== 'number') return NaN;
  return Math.floor(value < leastMilliseconds ? value * 1000 : value);
}
