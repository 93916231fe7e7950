import { QuernError } from './errors.ts';

const second = 1000;
const millisecondsOf: Readonly<Record<string, number>> = {
  '': 1,
  ms: 1,
  s: second,
  m: 60 * second,
  h: 3600 * second,
  d: 24 * 3600 * second,
};

const bytesOf: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/**
 * The milliseconds that a text such as `250`, `250ms`, `2s`, `5m`, `3h` or `30d` stands for. Throws `USAGE` for any other.
 */
export function durationNamed(text: string): number {
  return amountNamed(text, 'duration', millisecondsOf, 'milliseconds such as 250, or 250ms, 2s, 5m, 3h, 30d');
}

/** {@link durationNamed}, but a number needs its unit: where what is older is removed, nobody should have to guess. */
export function ageNamed(text: string): number {
  if (/^\d+$/.test(text)) {
    throw new QuernError('USAGE', `${JSON.stringify(text)} has no unit`, { hint: 'Write 12h or 30d' });
  }
  return durationNamed(text);
}

/**
 * The bytes that a text such as `500`, `64kB`, `100MB` or `2GiB` stands for, in whatever case. Throws `USAGE` for any other.
 */
export function sizeNamed(text: string): number {
  const hint = 'bytes such as 500, or 64kB, 100MB, 2GB, 1TB, or KiB, MiB, GiB, TiB';
  return amountNamed(text, 'size', bytesOf, hint, (unit) => unit.toLowerCase());
}

function amountNamed(
  text: string,
  what: string,
  units: Readonly<Record<string, number>>,
  hint: string,
  unitOf = (unit: string): string => unit,
): number {
  const [, digits, unit] = /^(\d+)([a-z]*)$/i.exec(text) ?? [];
  const factor = unit !== undefined && Object.hasOwn(units, unitOf(unit)) ? units[unitOf(unit)] : undefined;
  if (factor === undefined) {
    throw new QuernError('USAGE', `${JSON.stringify(text)} is not a ${what}`, {
      hint: `Give a whole number of ${hint}`,
    });
  }
  const amount = Number(digits) * factor;
  if (!Number.isSafeInteger(amount)) {
    throw new QuernError('USAGE', `${JSON.stringify(text)} is too large a ${what}`);
  }
  return amount;
}
