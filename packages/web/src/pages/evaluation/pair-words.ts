import { signed } from '../../../../quern/src/evaluate/report-words.ts';
import type { Interval } from '../../../../quern/src/evaluate/statistics.ts';
import { written } from './results-table.ts';

/** A difference with its sign, written as the values are. */
export function writtenDifference(difference: number, digits: 1 | 4): string {
  return digits === 1 ? signed(difference * 100, 1) : signed(difference, 4);
}

/** `[a, b]`, or a dash where there is none. */
export function writtenInterval(interval: Interval | null, digits: 1 | 4): string {
  return interval ? `[${written(interval.low, digits)}, ${written(interval.high, digits)}]` : '–';
}
