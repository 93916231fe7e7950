import type UPlot from 'uplot';
import { runStyle } from './run-style.ts';

/** What a chart draws of one run. */
export interface DrawnCurve {
  /** The place of the run among those that are shown, which gives colour and kind of line. */
  readonly run: number;
  readonly name: string;
  /** Ascending. */
  readonly xs: readonly number[];
  readonly ys: readonly number[];
  /** What `ys` was smoothed from. */
  readonly raw?: readonly number[];
  /** What stands above and below `ys` as a band. */
  readonly deviations?: readonly number[];
}

/** A curve, and which of the chart's series has its values as they are, unsmoothed. */
export interface PlottedCurve {
  readonly curve: DrawnCurve;
  readonly series: number;
}

/** Curves as uPlot takes them: one horizontal axis for all, and as many series a run as it needs. */
export interface Plotted {
  readonly data: UPlot.AlignedData;
  readonly curves: readonly PlottedCurve[];
  readonly series: readonly UPlot.Series[];
  readonly bands: readonly UPlot.Band[];
}

/** How curves are drawn. */
export interface Drawing {
  readonly isPoints: boolean;
  readonly isLogarithmic: boolean;
  /** The value of a colour of the style. */
  colour(name: string): string;
  join(tables: UPlot.AlignedData[]): UPlot.AlignedData;
}

/** Of each kind of line: points shrink from the bottom up, so that those below show around the others. */
const pointSizes = [9, 6, 3];
/** Of each kind of line, in CSS pixels. */
const dashes = [[], [9, 7], [4, 8]];

export function plotted(
  curves: readonly DrawnCurve[],
  { isPoints, isLogarithmic, colour, join }: Drawing,
): Plotted {
  const series: UPlot.Series[] = [];
  const bands: UPlot.Band[] = [];
  const drawn: PlottedCurve[] = [];
  const fromBelow = curves.toSorted((a, b) => runStyle(a.run).line - runStyle(b.run).line);
  const tables = fromBelow.map((curve): UPlot.AlignedData => {
    const { run, xs, ys, raw, deviations } = curve;
    const style = runStyle(run);
    const stroke = (): string => colour(`run${style.colour}`);
    const columns: (readonly (number | null)[])[] = [xs];
    const add = (values: readonly number[], options: UPlot.Series): number => {
      // A logarithm has no place for the others.
      columns.push(isLogarithmic ? values.map((value) => (value > 0 ? value : null)) : values);
      return series.push({ spanGaps: true, points: { show: false }, ...options });
    };
    if (deviations !== undefined && !isLogarithmic) {
      const high = add(
        ys.map((y, i) => y + deviations[i]!),
        {},
      );
      const low = add(
        ys.map((y, i) => y - deviations[i]!),
        {},
      );
      bands.push({ series: [high, low], fill: () => faded(stroke(), 0.16) });
    }
    const exact = raw && add(raw, { stroke: () => faded(stroke(), 0.3), width: 1 });
    const points = { show: isPoints || xs.length === 1, size: pointSizes[style.line], fill: stroke };
    const own = add(ys, {
      stroke,
      width: 2,
      points,
      dash: dashes[style.line]!.map((length) => length * devicePixelRatio),
    });
    drawn.push({ curve, series: exact ?? own });
    return columns as unknown as UPlot.AlignedData;
  });
  const data = tables.length === 0 ? ([[]] as unknown as UPlot.AlignedData) : join(tables);
  drawn.sort((a, b) => a.curve.run - b.curve.run);
  return { data, curves: drawn, series, bands };
}

/** `rgb(…)` let through as much as `alpha` of 1. */
export function faded(colour: string, alpha: number): string {
  return colour.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
}

/** Whether a logarithm shows more: all values are above 0, and the largest is so many times the smallest. */
export function isWide(curves: readonly DrawnCurve[]): boolean {
  let [least, most] = [Infinity, -Infinity];
  for (const { ys, raw = ys } of curves) {
    for (const value of raw) {
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
  }
  return least > 0 && most >= 20 * least;
}
