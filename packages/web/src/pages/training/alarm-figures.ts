import type { MetricsLine } from '../../../../quern/src/train/watch/wire.ts';
import { valueText } from './words.ts';
import { thresholds } from './alarm-thresholds.ts';

/** A figure of a run at a step. */
export interface Valued {
  readonly step: number;
  readonly value: number;
}

/** A metric at the steps that have it. */
export function valuesOf(lines: readonly MetricsLine[], name: string): Valued[] {
  return lines.flatMap(({ step, values }) => {
    const value = values[name];
    return value === undefined ? [] : [{ step, value }];
  });
}

/** The means of the first and of the last lines; undefined where they would overlap. */
export function startAndNow(
  known: readonly Valued[],
): { readonly start: number; readonly now: number } | undefined {
  const { recent } = thresholds;
  if (known.length < 2 * recent) return undefined;
  return { start: mean(known.slice(0, recent)), now: mean(known.slice(-recent)) };
}

/** The first step from which on `is` holds of every line; the last step where it does not hold of that. */
export function sinceOf(known: readonly Valued[], is: (value: number) => boolean): number {
  const before = known.findLastIndex(({ value }) => !is(value));
  return known[Math.min(before + 1, known.length - 1)]!.step;
}

/** Of figures, which there have to be; NaN without any. */
export function mean(of: readonly Valued[]): number {
  return of.reduce((sum, { value }) => sum + value, 0) / of.length;
}

/** Without bias; 0 of one value. */
export function variance(of: readonly Valued[]): number {
  const middle = mean(of);
  return of.reduce((sum, { value }) => sum + (value - middle) ** 2, 0) / Math.max(1, of.length - 1);
}

/** The middle one, of two the upper; undefined without any. */
export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** A figure as alarms tell it. */
export function text(value: number): string {
  return valueText(value, 'number');
}

/** A share as alarms tell it. */
export function percent(share: number): string {
  return valueText(share, 'share');
}
