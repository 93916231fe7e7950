import { Chart, type ChartFrame, type DrawnCurve } from './chart.ts';
import { chartPlans, otherSection, sectionNames, type ChartPlan } from './chart-list.ts';
import { byId, element } from './elements.ts';
import type { RunSeries } from './run-series.ts';
import { smoothed } from './smoothing.ts';

/** A run whose curves are drawn. */
export interface ChartedRun {
  readonly run: number;
  readonly name: string;
  readonly series: RunSeries;
}

interface Placed {
  readonly plan: ChartPlan;
  readonly chart: Chart;
  isInView: boolean;
  isStale: boolean;
}

/** All charts of the page: each is drawn when it is in view, and again when its data or the settings change. */
export class Charts implements ChartFrame {
  isTime = false;
  #chosen: readonly [number, number] | undefined;
  #whole: readonly [number, number] = [0, 1];
  #smoothing = 0;
  #runs: readonly ChartedRun[] = [];
  readonly #placed = new Map<string, Placed>();
  readonly #grids = new Map<string, HTMLElement>();
  readonly #showWhole = byId('whole', HTMLButtonElement);
  readonly #observer = new IntersectionObserver((entries) => this.#onView(entries), { rootMargin: '200px' });

  constructor() {
    const smoothing = byId('smoothing', HTMLInputElement);
    const shown = byId('smoothing-value', HTMLOutputElement);
    const smooth = (): void => {
      this.#smoothing = smoothing.valueAsNumber;
      shown.value = this.#smoothing.toFixed(2);
      this.#drawAll();
    };
    smoothing.addEventListener('input', smooth);
    smooth();
    byId('settings', HTMLFormElement).addEventListener('change', ({ target }) => {
      if (!(target instanceof HTMLInputElement) || target.name !== 'against') return;
      this.isTime = target.value === 'time';
      this.#showPart(undefined);
      this.#drawAll();
    });
    byId('settings', HTMLFormElement).addEventListener('submit', (event) => event.preventDefault());
    this.#showWhole.addEventListener('click', () => {
      // The button goes, and would take the focus with it.
      smoothing.focus();
      this.#showPart(undefined);
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#redraw());
  }

  /** Draws these runs and no others. */
  show(runs: readonly ChartedRun[]): void {
    this.#runs = runs;
    const names = (kind: 'train' | 'eval'): Set<string> =>
      new Set(runs.flatMap(({ series }) => series.names(kind)));
    const plans = chartPlans(names('train'), names('eval'));
    const wanted = new Map(plans.map((plan) => [`${plan.kind} ${plan.name} ${plan.deviation ?? ''}`, plan]));
    for (const [key, { chart }] of this.#placed) {
      if (wanted.has(key)) continue;
      this.#observer.unobserve(chart.figure);
      chart.figure.remove();
      this.#placed.delete(key);
    }
    const last = new Map<string, HTMLElement>();
    for (const [key, plan] of wanted) {
      const placed = this.#placed.get(key) ?? this.#place(key, plan);
      const { figure } = placed.chart;
      const grid = this.#grid(plan.section);
      const before = last.get(plan.section);
      const next = before === undefined ? grid.firstElementChild : before.nextElementSibling;
      if (next !== figure) grid.insertBefore(figure, next);
      last.set(plan.section, figure);
    }
    for (const [section, grid] of this.#grids)
      grid.closest<HTMLElement>('.section')!.hidden = !last.has(section);
    byId('settings', HTMLFormElement).hidden = plans.length === 0;
    this.#drawAll();
  }

  get part(): readonly [number, number] {
    return this.#chosen ?? this.#whole;
  }

  choosePart(part: readonly [number, number]): void {
    this.#showPart(part);
  }

  #showPart(part: readonly [number, number] | undefined): void {
    this.#chosen = part;
    this.#showWhole.hidden = part === undefined;
    this.#redraw();
  }

  #redraw(): void {
    for (const { chart } of this.#placed.values()) chart.redraw();
  }

  #place(key: string, plan: ChartPlan): Placed {
    const placed: Placed = { plan, chart: new Chart(plan, this), isInView: false, isStale: true };
    this.#placed.set(key, placed);
    this.#observer.observe(placed.chart.figure);
    return placed;
  }

  /** The place of a section's charts. */
  #grid(section: string): HTMLElement {
    const known = this.#grids.get(section);
    if (known !== undefined) return known;
    const grid = element('div', { class: 'grid' });
    const title = element('h2', {}, section);
    const around =
      section === otherSection
        ? element('details', { class: 'section' }, element('summary', {}, title), grid)
        : element('section', { class: 'section' }, title, grid);
    this.#grids.set(section, grid);
    const all = byId('charts', HTMLDivElement);
    const later = sectionNames
      .slice(sectionNames.indexOf(section) + 1)
      .map((name) => this.#grids.get(name))
      .find((other) => other !== undefined);
    all.insertBefore(around, later?.closest('.section') ?? null);
    return grid;
  }

  #onView(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      for (const placed of this.#placed.values()) {
        if (placed.chart.figure === target) placed.isInView = isIntersecting;
      }
    }
    this.#drawStale();
  }

  #drawAll(): void {
    const xs = this.#runs.flatMap(({ series }) => this.#ends(series));
    const [low, high] = [Math.min(...xs), Math.max(...xs)];
    this.#whole = xs.length === 0 ? [0, 1] : low === high ? [low - 0.5, high + 0.5] : [low, high];
    for (const placed of this.#placed.values()) placed.isStale = true;
    this.#drawStale();
  }

  #drawStale(): void {
    for (const placed of this.#placed.values()) {
      if (!placed.isInView || !placed.isStale) continue;
      placed.isStale = false;
      placed.chart.draw(this.#curves(placed.plan));
    }
  }

  /** Where a run's curves begin and end on the horizontal axis. */
  #ends({ firstAndLast, start }: RunSeries): number[] {
    return firstAndLast.flatMap(({ step, time }) => {
      if (!this.isTime) return [step];
      return time === undefined || start === undefined ? [] : [hours(time - start)];
    });
  }

  #curves({ kind, name, deviation, isExact }: ChartPlan): DrawnCurve[] {
    // Bands of several runs would hide each other.
    const band = this.#runs.length === 1 ? deviation : undefined;
    return this.#runs.flatMap(({ run, name: runName, series }): DrawnCurve[] => {
      const { steps, times, values, deviations } = series.curve(kind, name, band);
      const { start } = series;
      if (values.length === 0 || (this.isTime && (start === undefined || times.includes(undefined))))
        return [];
      const xs = this.isTime ? times.map((time) => hours(time! - start!)) : steps;
      const isSmooth = !isExact && this.#smoothing > 0;
      const smooth = (of: readonly number[]): readonly number[] =>
        isSmooth ? smoothed(of, this.#smoothing) : of;
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
}

function hours(milliseconds: number): number {
  return milliseconds / 3_600_000;
}
