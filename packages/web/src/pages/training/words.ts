/** What a number is of, and so how it is written. */
export type Unit = 'number' | 'share' | 'bytes' | 'seconds';

/** `value` in as few characters as tell it from its neighbours, which are `apart`, with a true minus sign. */
export function valueText(value: number, unit: Unit, apart = 0): string {
  if (unit === 'share') return `${numberText(value * 100, apart * 100)} %`;
  if (unit === 'bytes') return bytesText(value, apart);
  if (unit === 'seconds') return `${numberText(value, apart)} s`;
  return numberText(value, apart);
}

function numberText(value: number, apart: number): string {
  const size = Math.abs(value);
  const text = shortest(size, apart);
  const isSmallOrLarge = size !== 0 && (size < 1e-3 || size >= 1e6);
  const digits = isSmallOrLarge ? Number(text).toExponential().replace('e+', 'e').replace('-', '−') : text;
  return value < 0 ? `−${digits}` : digits;
}

/** In three digits, or as many more as `apart` asks for; whole below a million. */
function shortest(size: number, apart: number): string {
  const asked = apart > 0 && size > 0 ? Math.floor(Math.log10(size)) - Math.floor(Math.log10(apart)) + 1 : 0;
  const whole = size < 1e6 ? Math.floor(Math.log10(Math.max(size, 1))) + 1 : 0;
  return String(Number(size.toPrecision(Math.min(Math.max(3, asked, whole), 15))));
}

function bytesText(bytes: number, apart: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  return `${shortest(bytes / 1024 ** power, apart / 1024 ** power)} ${units[power]}`;
}

/** A duration in milliseconds: in whole seconds or minutes, from an hour on in its two largest units. */
export function durationText(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Hours as an axis shows them, which has a label at every `apart` hours. */
export function hoursText(hours: number, apart: number): string {
  const seconds = Math.round(hours * 3600);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = apart < 1 / 60 ? parts : parts.slice(0, 2);
  return shown.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}

const noise = 1e-9;

/** `value`, or 0 where it is no more than rounding leaves of a zero, as of an advantage among equal rewards. */
export function withoutNoise(value: number): number {
  return Math.abs(value) < noise ? 0 : value;
}

/** A value of a sample. */
export function sampleText(value: number): string {
  return valueText(withoutNoise(value), 'number');
}

/** A value of a sample with its sign, a plus included. */
export function signedText(value: number): string {
  return withoutNoise(value) > 0 ? `+${sampleText(value)}` : sampleText(value);
}
