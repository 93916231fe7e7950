import type UPlot from 'uplot';
import { colour } from '../../shell/theme.ts';
import type { ChartPlan } from './chart-list.ts';
import { plotted, type DrawnCurve, type PlottedCurve } from './plotted.ts';
import { hoursText, valueText, type Unit } from './words.ts';

/** The library that draws, once it is loaded. */
export type PlotLibrary = typeof UPlot;

/** What the charts of a page share. */
export interface ChartFrame {
  /** Whether the horizontal axis is hours and not steps. */
  readonly isTime: boolean;
  /** The part of the horizontal axis that is shown, which is the same in all charts. */
  readonly part: readonly [number, number];
  /** Called with the part that was marked with the pointer. */
  choosePart(part: readonly [number, number]): void;
}

/** A value of a run where the cursor is. */
export interface ShownValue {
  readonly run: number;
  readonly name: string;
  readonly value: number;
}

/** Values at a place of the horizontal axis; the last ones, where there is no place. */
export interface ShownValues {
  readonly x: number | undefined;
  readonly values: readonly ShownValue[];
}

/** What a chart is made of. */
interface Parts {
  readonly library: PlotLibrary;
  readonly place: HTMLElement;
  readonly plan: ChartPlan;
  /** Called when other values are to be shown. */
  onValues(values: ShownValues): void;
}

/** What is drawn of a chart: uPlot in its place, for as long as that stands. */
export class Plot {
  readonly #parts: Parts;
  #frame: ChartFrame | undefined;
  #plot: UPlot | undefined;
  /** What the plot was made for; other values alone do not need a new one. */
  #shape = '';
  #curves: readonly PlottedCurve[] = [];
  /** Set by keys: which value on the horizontal axis is looked at. */
  #looked: number | undefined;
  readonly #sizes: ResizeObserver;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#sizes = new ResizeObserver(() => this.#plot?.setSize(this.#size()));
    this.#sizes.observe(parts.place);
  }

  /** Draws these curves in place of what was drawn. */
  draw(curves: readonly DrawnCurve[], frame: ChartFrame, isLogarithmic: boolean): void {
    this.#frame = frame;
    const { library, place, plan } = this.#parts;
    const shape = JSON.stringify([
      frame.isTime,
      isLogarithmic,
      curves.map(({ run, raw, deviations }) => [run, raw !== undefined, deviations !== undefined]),
    ]);
    const drawing = plotted(curves, {
      isPoints: plan.kind === 'eval',
      isLogarithmic,
      colour,
      join: (tables) => library.join(tables),
    });
    this.#curves = drawing.curves;
    if (this.#plot === undefined || shape !== this.#shape) {
      this.#plot?.destroy();
      this.#shape = shape;
      const options = this.#options(drawing.series, drawing.bands, isLogarithmic);
      this.#plot = new library(options, drawing.data, place);
    } else {
      this.#plot.setData(drawing.data);
    }
    this.#tellValues();
  }

  /** Draws what it has again: the colours are others. */
  redraw(): void {
    const { data } = this.#plot ?? {};
    if (data !== undefined) this.#plot!.setData(data as UPlot.AlignedData);
  }

  /** Moves the cursor by so many values, ±Infinity to an end; undefined takes it away. */
  look(move: number | undefined): void {
    const plot = this.#plot;
    if (plot === undefined) return;
    if (move === undefined) {
      this.#looked = undefined;
      this.#moveCursor(plot, { left: -10, top: -10 });
      return;
    }
    const { min = 0, max = 0 } = plot.scales['x'] ?? {};
    const shown = plot.data[0].filter((x) => x >= min && x <= max);
    const known = this.#looked === undefined ? -1 : shown.indexOf(this.#looked);
    const from = known === -1 ? (move < 0 ? shown.length : -1) : known;
    this.#looked = shown[Math.min(Math.max(from + move, 0), shown.length - 1)];
    if (this.#looked === undefined) return;
    this.#moveCursor(plot, { left: plot.valToPos(this.#looked, 'x'), top: plot.over.clientHeight / 2 });
  }

  destroy(): void {
    this.#sizes.disconnect();
    this.#plot?.destroy();
  }

  /** As the pointer moves it: in the other charts, too. The types of the library leave the last argument out. */
  #moveCursor(plot: UPlot, to: { left: number; top: number }): void {
    const setCursor: (to: { left: number; top: number }, tells: boolean, isShared: boolean) => void =
      plot.setCursor;
    setCursor(to, true, true);
  }

  #size(): { width: number; height: number } {
    const { clientWidth, clientHeight } = this.#parts.place;
    return { width: Math.max(clientWidth, 50), height: clientHeight };
  }

  #options(
    series: readonly UPlot.Series[],
    bands: readonly UPlot.Band[],
    isLogarithmic: boolean,
  ): UPlot.Options {
    const { unit } = this.#parts.plan;
    const { isTime } = this.#frame!;
    const axis = {
      stroke: () => colour('faint'),
      grid: { stroke: () => colour('line'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    };
    const value = (y: number | null, apart: number): string => (y === null ? '' : valueText(y, unit, apart));
    return {
      ...this.#size(),
      padding: [10, 14, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => [...this.#frame!.part] },
        y: isLogarithmic
          ? { distr: 3, log: 10, range: (_, low, high) => logarithmicRange(low, high) }
          : { range: (_, low, high) => valueRange(low, high, unit) },
      },
      axes: [
        {
          ...axis,
          size: 24,
          gap: 4,
          space: 55,
          incrs: isTime ? hourSteps : wholeSteps,
          values: (_, at, __, ___, apart) =>
            at.map((x) => (isTime ? hoursText(x, apart) : String(Math.round(x)))),
        },
        {
          ...axis,
          size: (_, labels) => 12 + 6.5 * Math.max(3, ...(labels ?? []).map(({ length }) => length)),
          gap: 6,
          space: isLogarithmic ? 18 : 34,
          ...(unit === 'bytes' && !isLogarithmic && { incrs: byteSteps }),
          values: (_, at, __, ___, apart) =>
            at.map((y: number | null) => value(y, isLogarithmic ? 0 : apart)),
        },
      ],
      series: [{}, ...series],
      bands: [...bands],
      cursor: {
        y: false,
        sync: { key: 'runs', scales: ['x', null] },
        drag: { x: true, y: false, setScale: false },
        points: { size: 6 },
        bind: { dblclick: () => null },
      },
      hooks: {
        setCursor: [() => this.#tellValues()],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select;
            if (width < 3) return;
            const part = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')] as const;
            plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
            this.#frame!.choosePart(part);
          },
        ],
      },
    };
  }

  /** The values at the cursor, or the last ones where there is none: as they are, whatever is smoothed. */
  #tellValues(): void {
    const plot = this.#plot;
    if (plot === undefined) return;
    const { idx, idxs } = plot.cursor;
    const isOver = idx !== null && idx !== undefined;
    const values = this.#curves.flatMap(({ curve, series }): ShownValue[] => {
      const { run, name, raw, ys } = curve;
      const shown = isOver ? plot.data[series]! : (raw ?? ys);
      const value = shown[isOver ? (idxs?.[series] ?? -1) : shown.length - 1];
      return value === undefined || value === null ? [] : [{ run, name, value }];
    });
    this.#parts.onValues({ x: isOver ? plot.data[0][idx] : undefined, values });
  }
}

const wholeSteps = [1, 2, 5].flatMap((first) => Array.from({ length: 8 }, (_, i) => first * 10 ** i));
wholeSteps.sort((a, b) => a - b);
const byteSteps = Array.from({ length: 50 }, (_, i) => 2 ** i);
/** Seconds, minutes and hours that read well, in hours. */
const hourSteps = [
  1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 432_000,
].map((seconds) => seconds / 3600);

/** The values that an axis spans: a little more than there are, and something where there is but one. */
function valueRange(low: number | null, high: number | null, unit: Unit): [number, number] {
  if (low === null || high === null) return [0, 1];
  const isFlat = high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high));
  const room = isFlat ? Math.abs(low) * 0.1 || (unit === 'share' ? 0.01 : 1) : (high - low) * 0.06;
  // What is never negative shows its zero as its floor.
  const floor = low >= 0 && low < room ? 0 : low - room;
  return [floor, high + room];
}

/** Those that a logarithmic axis spans. */
function logarithmicRange(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null || low <= 0) return [0.1, 1];
  return [low / 1.2, high * 1.2];
}
