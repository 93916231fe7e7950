import type UPlot from 'uplot';
import type { ChartPlan } from './chart-list.ts';
import { element, swatch } from './elements.ts';
import { runStyle } from './run-style.ts';
import { uPlot } from './uplot.ts';
import { hoursText, valueText, type Unit } from './words.ts';

/** What a chart draws of one run. */
export interface DrawnCurve {
  /** The number of the run, which gives the colour. */
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

/** What the charts of a page share. */
export interface ChartFrame {
  /** Whether the horizontal axis is hours and not steps. */
  readonly isTime: boolean;
  /** The part of the horizontal axis that is shown, which is the same in all charts. */
  readonly part: readonly [number, number];
  /** Called with the part that was marked with the pointer. */
  choosePart(part: readonly [number, number]): void;
}

/** A curve, and which of the chart's series has its values as they are, unsmoothed. */
interface Drawn {
  readonly curve: DrawnCurve;
  readonly series: number;
}

/** A chart of one metric of several runs, with the values at the cursor above it. */
export class Chart {
  readonly figure: HTMLElement;
  readonly #plan: ChartPlan;
  readonly #frame: ChartFrame;
  readonly #drawing = element('div', { class: 'drawing' });
  readonly #at = element('span', { class: 'at' });
  readonly #values = element('ul', { class: 'values' });
  #plot: UPlot | undefined;
  /** What the plot was made for; other values alone do not need a new one. */
  #shape = '';
  #drawn: readonly Drawn[] = [];
  /** Set by keys: which value on the horizontal axis is looked at. */
  #looked: number | undefined;

  constructor(plan: ChartPlan, frame: ChartFrame) {
    this.#plan = plan;
    this.#frame = frame;
    this.figure = element(
      'figure',
      { class: 'chart', tabindex: '0', role: 'group' },
      element('figcaption', {}, element('h3', { dir: 'auto' }, plan.title), this.#at),
      this.#values,
      this.#drawing,
    );
    this.figure.setAttribute('aria-label', `${plan.title}; arrow keys read its values`);
    this.figure.addEventListener('keydown', (event) => this.#onKey(event));
    this.figure.addEventListener('focus', () => this.#values.setAttribute('aria-live', 'polite'));
    this.figure.addEventListener('blur', () => {
      this.#values.removeAttribute('aria-live');
      this.#looked = undefined;
      this.#plot?.setCursor({ left: -10, top: -10 });
    });
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(this.#drawing);
  }

  /** Draws these curves in place of what was drawn. */
  draw(curves: readonly DrawnCurve[]): void {
    const shape = JSON.stringify([
      this.#frame.isTime,
      curves.map(({ run, raw, deviations }) => [run, raw !== undefined, deviations !== undefined]),
    ]);
    const { data, drawn, series, bands } = plotted(curves, this.#plan.kind === 'eval');
    this.#drawn = drawn;
    if (this.#plot === undefined || shape !== this.#shape) {
      this.#plot?.destroy();
      this.#shape = shape;
      this.#plot = new uPlot(this.#options(series, bands), data, this.#drawing);
    } else {
      this.#plot.setData(data);
    }
    this.#showValues();
  }

  /** Draws what it has again: the colours are others, or the part of the axis. */
  redraw(): void {
    const { data } = this.#plot ?? {};
    if (data !== undefined) this.#plot!.setData(data as UPlot.AlignedData);
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(this.#drawing.clientWidth, 50), height: this.#drawing.clientHeight };
  }

  #options(series: readonly UPlot.Series[], bands: readonly UPlot.Band[]): UPlot.Options {
    const { unit } = this.#plan;
    const { isTime } = this.#frame;
    const axis = {
      stroke: () => colourOf('--soft'),
      grid: { stroke: () => colourOf('--rule'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    };
    return {
      ...this.#size(),
      padding: [10, 14, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => [...this.#frame.part] },
        y: { range: (_, low, high) => valueRange(low, high, unit) },
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
          space: 34,
          ...(unit === 'bytes' && { incrs: byteSteps }),
          values: (_, at, __, ___, apart) => at.map((y) => valueText(y, unit, apart)),
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
        setCursor: [() => this.#showValues()],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select;
            if (width < 3) return;
            const part = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')] as const;
            plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
            this.#frame.choosePart(part);
          },
        ],
      },
    };
  }

  /** The values at the cursor, or the last ones where there is none: as they are, whatever is smoothed. */
  #showValues(): void {
    const plot = this.#plot;
    if (plot === undefined) return;
    const { idx, idxs } = plot.cursor;
    const isOver = idx !== null && idx !== undefined;
    const x = isOver ? plot.data[0][idx] : undefined;
    const { isTime } = this.#frame;
    this.#at.textContent = x === undefined ? 'last' : isTime ? `after ${hoursText(x, 0)}` : `step ${x}`;
    this.#values.replaceChildren(
      ...this.#drawn.flatMap(({ curve, series }) => {
        const ys = isOver ? plot.data[series]! : (curve.raw ?? curve.ys);
        const value = ys[isOver ? (idxs?.[series] ?? -1) : ys.length - 1];
        if (value === undefined || value === null) return [];
        const name = element('bdi', { class: 'unseen' }, `${curve.name}: `);
        return [element('li', {}, swatch(curve.run), name, valueText(value, this.#plan.unit))];
      }),
    );
  }

  #onKey(event: KeyboardEvent): void {
    const plot = this.#plot;
    const move = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (plot === undefined || move === undefined || event.target !== this.figure) return;
    event.preventDefault();
    const xs = plot.data[0];
    const { min = 0, max = 0 } = plot.scales['x'] ?? {};
    const shown = xs.filter((x) => x >= min && x <= max);
    const known = this.#looked === undefined ? -1 : shown.indexOf(this.#looked);
    const from = known === -1 ? (move < 0 ? shown.length : -1) : known;
    this.#looked = shown[Math.min(Math.max(from + move, 0), shown.length - 1)];
    if (this.#looked === undefined) return;
    plot.setCursor({ left: plot.valToPos(this.#looked, 'x'), top: plot.over.clientHeight / 2 });
  }
}

const wholeSteps = [1, 2, 5].flatMap((first) => Array.from({ length: 8 }, (_, i) => first * 10 ** i));
wholeSteps.sort((a, b) => a - b);
const byteSteps = Array.from({ length: 50 }, (_, i) => 2 ** i);
/** Seconds, minutes and hours that read well, in hours. */
const hourSteps = [
  1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 432_000,
].map((seconds) => seconds / 3600);

/** Of each kind of line: points shrink from the bottom up, so that those below show around the others. */
const pointSizes = [9, 6, 3];
/** Of each kind of line, in CSS pixels. */
const dashes = [[], [9, 7], [4, 8]];

/** The curves as uPlot takes them: one horizontal axis for all, and as many series a run as it needs. */
function plotted(
  curves: readonly DrawnCurve[],
  isPoints: boolean,
): {
  readonly data: UPlot.AlignedData;
  readonly drawn: readonly Drawn[];
  readonly series: readonly UPlot.Series[];
  readonly bands: readonly UPlot.Band[];
} {
  const series: UPlot.Series[] = [];
  const bands: UPlot.Band[] = [];
  const drawn: Drawn[] = [];
  const fromBelow = curves.toSorted((a, b) => runStyle(a.run).line - runStyle(b.run).line);
  const tables = fromBelow.map((curve): UPlot.AlignedData => {
    const { run, xs, ys, raw, deviations } = curve;
    const { colour, line } = runStyle(run);
    const stroke = (): string => colourOf(`--run${colour}`);
    const columns: (readonly number[])[] = [xs];
    const add = (values: readonly number[], options: UPlot.Series): number => {
      columns.push(values);
      return series.push({ spanGaps: true, points: { show: false }, ...options });
    };
    if (deviations !== undefined) {
      const high = add(
        ys.map((y, i) => y + deviations[i]!),
        {},
      );
      const low = add(
        ys.map((y, i) => y - deviations[i]!),
        {},
      );
      bands.push({ series: [high, low], fill: () => withAlpha(stroke(), 0.16) });
    }
    const exact = raw && add(raw, { stroke: () => withAlpha(stroke(), 0.28), width: 1 });
    const points = { show: isPoints || xs.length === 1, size: pointSizes[line], fill: stroke };
    const own = add(ys, {
      stroke,
      width: 2,
      points,
      dash: dashes[line]!.map((length) => length * devicePixelRatio),
    });
    drawn.push({ curve, series: exact ?? own });
    return columns as unknown as UPlot.AlignedData;
  });
  const data = tables.length === 0 ? ([[]] as unknown as UPlot.AlignedData) : uPlot.join(tables);
  drawn.sort((a, b) => a.curve.run - b.curve.run);
  return { data, drawn, series, bands };
}

/** The values that an axis spans: a little more than there are, and something where there is but one. */
function valueRange(low: number | null, high: number | null, unit: Unit): [number, number] {
  if (low === null || high === null) return [0, 1];
  const isFlat = high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high));
  const room = isFlat ? Math.abs(low) * 0.1 || (unit === 'share' ? 0.01 : 1) : (high - low) * 0.06;
  // What is never negative shows its zero as its floor.
  const floor = low >= 0 && low < room ? 0 : low - room;
  return [floor, high + room];
}

function colourOf(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable);
}

/** `#rrggbb` let through as much as `alpha` of 1. */
function withAlpha(colour: string, alpha: number): string {
  const hex = Math.round(alpha * 255).toString(16);
  return colour.trim() + hex.padStart(2, '0');
}
