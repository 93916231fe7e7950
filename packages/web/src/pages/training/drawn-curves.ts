import type { ChartPlan } from './chart-list.ts';
import type { DrawnCurve } from './plotted.ts';
import type { RunSeries } from './run-series.ts';
import { smoothed } from './smoothing.ts';

/** A run whose curves are drawn. */
export interface ChartedRun {
  readonly id: string;
  readonly name: string;
  readonly series: RunSeries;
  /** Another one after each change of the series. */
  readonly version: number;
}

/** How curves are drawn. */
export interface CurveSettings {
  /** From 0 to 1: how much of what came before is in a value. */
  readonly smoothing: number;
  /** Against hours since the run began, and not steps. */
  readonly isTime: boolean;
}

/** The curves of one metric. Bands are drawn of one run alone: those of several would hide each other. */
export function drawnCurves(
  runs: readonly ChartedRun[],
  { kind, name, deviation, isExact }: ChartPlan,
  { smoothing, isTime }: CurveSettings,
): DrawnCurve[] {
  const band = runs.length === 1 ? deviation : undefined;
  return runs.flatMap(({ name: runName, series }, run): DrawnCurve[] => {
    const { steps, times, values, deviations } = series.curve(kind, name, band);
    const { start } = series;
    if (values.length === 0 || (isTime && (start === undefined || times.includes(undefined)))) return [];
    const xs = isTime ? times.map((time) => hours(time! - start!)) : steps;
    const isSmooth = !isExact && smoothing > 0;
    const smooth = (of: readonly number[]): readonly number[] => (isSmooth ? smoothed(of, smoothing) : of);
    return [
      {
        run,
        name: runName,
        xs,
        ys: smooth(values),
        ...(isSmooth && { raw: values }),
        ...(deviations !== undefined && { deviations: smooth(deviations) }),
      },
    ];
  });
}

/** The part of the horizontal axis that all runs take together. */
export function wholePart(runs: readonly ChartedRun[], isTime: boolean): readonly [number, number] {
  const ends = runs.flatMap(({ series: { firstAndLast, start } }) =>
    firstAndLast.flatMap(({ step, time }) => {
      if (!isTime) return [step];
      return time === undefined || start === undefined ? [] : [hours(time - start)];
    }),
  );
  if (ends.length === 0) return [0, 1];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

function hours(milliseconds: number): number {
  return milliseconds / 3_600_000;
}
