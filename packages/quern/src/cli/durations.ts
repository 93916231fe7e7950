import { InvalidArgumentError } from 'commander';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 };

export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  const value = match ? Number(match[1]) * units[match[2] ?? 'ms'] : NaN;
  if (!(value > 0)) throw new InvalidArgumentError('It must be a time, e.g. 250ms, 2s or 5m.');
  return value;
}
