import { count } from '../../parts/figures.ts';
import type { Histogram } from './wire.ts';

/** What lies between two edges, and how many. */
export interface Bin {
  readonly range: string;
  readonly times: number;
}

/** The bins of a histogram of whole numbers, without the empty ones at either end. */
export function bins({ edges, counts }: Histogram): Bin[] {
  const all = counts.map((times, i): Bin => ({
    range: rangeOf(edges[i] ?? null, edges[i + 1] ?? null),
    times,
  }));
  const first = counts.findIndex((times) => times > 0);
  const last = counts.findLastIndex((times) => times > 0);
  return first < 0 ? [] : all.slice(first, last + 1);
}

function rangeOf(from: number | null, to: number | null): string {
  if (from === null) return '–';
  if (to === null) return `${signed(from)} and more`;
  return to === from + 1 ? signed(from) : `${signed(from)}–${signed(to - 1)}`;
}

function signed(value: number): string {
  return count(value).replace('-', '−');
}
