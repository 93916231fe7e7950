/**
 * The drawings of a report: static SVG that takes its colours from the style sheet. Bars are drawn in a box of 1000 by
 * 1000 that stretches with the page; labels stand outside of it, so that they keep their size on a phone.
 */
import { isolatedPlain, markup, type Markup } from '../report/markup.ts';
import { count, decimal } from '../report/words.ts';
import { ticksOf } from './chart-ticks.ts';
import { signed } from './report-words.ts';
import type { Interval } from './statistics.ts';

/** One topic's bar. */
export interface Bar {
  readonly topic: string;
  readonly value: number;
  /** What is said of it beside its value. */
  readonly detail?: string;
}

/** What a chart says in words, and how its values are written. */
export interface ChartWords {
  /** Unique within the page. */
  readonly key: string;
  readonly title: string;
  readonly description: string;
  /** Whether values are differences, written with their sign. */
  readonly differences: boolean;
}

const size = 1000;
/** Up to here every topic has a bar of its own; beyond, one outline is drawn, and its parts are named. */
const mostBars = 300;
const outlineParts = 100;
/** Few topics do not fill the chart with a handful of slabs. */
const fewestSlots = 24;

/** A bar chart of `bars` in their order. */
export function barChart(bars: readonly Bar[], words: ChartWords): Markup {
  const { key, title, description, differences } = words;
  const ticks = ticksOf(
    bars.map(({ value }) => value),
    6.6,
  );
  const [bottom, top] = [ticks[0], ticks.at(-1)!];
  const y = (value: number): number => ((top - value) / (top - bottom)) * size;
  const write = (value: number): string =>
    differences ? signed(value, tickDigits(ticks)) : decimal(value, tickDigits(ticks));
  const lines = ticks.map((tick) => {
    const at = `${trimmed(y(tick) / (size / 100))}%`;
    return markup`<line class="${tick === 0 ? 'zero' : 'grid'}" x1="0" x2="100%" y1="${at}" y2="${at}"/><text x="-8" y="${at}" dy=".32em">${write(tick)}</text>`;
  });
  const drawn = bars.length <= mostBars ? singleBars(bars, y, differences) : outline(bars, y, differences);
  return markup`<svg class="chart" role="img" aria-labelledby="${key}-title ${key}-text"><title id="${key}-title">${title}</title><desc id="${key}-text">${description}</desc>
${lines}
<svg width="100%" height="100%" viewBox="0 0 ${size} ${size}" preserveAspectRatio="none">${drawn}</svg>
</svg>`;
}

function singleBars(bars: readonly Bar[], y: (value: number) => number, differences: boolean): Markup[] {
  const slot = size / Math.max(fewestSlots, bars.length);
  const width = slot * (bars.length > 120 ? 1 : 0.82);
  return bars.map(({ topic, value, detail }, i) => {
    const x = i * slot;
    const said = `${isolatedPlain(topic)}: ${written(value, differences)}${detail === undefined ? '' : ` (${detail})`}`;
    return markup`<g><title>${said}</title><path class="reach" d="M${trimmed(x)} 0h${trimmed(slot)}v${size}h-${trimmed(slot)}z"/>${
      value === 0
        ? null
        : markup`<path class="${sideOf(value, differences)}" d="M${trimmed(x)} ${trimmed(y(0))}V${trimmed(y(value))}h${trimmed(width)}V${trimmed(y(0))}z"/>`
    }</g>\n`;
  });
}

/** All bars as the outlines of those above and those below zero, and parts of them to point at. */
function outline(bars: readonly Bar[], y: (value: number) => number, differences: boolean): Markup[] {
  const slot = size / bars.length;
  const zero = trimmed(y(0));
  const side = (keep: (value: number) => boolean): string => {
    let path = `M0 ${zero}`;
    let level = zero;
    for (const [i, { value }] of bars.entries()) {
      const next = trimmed(keep(value) ? y(value) : y(0));
      if (next !== level) path += `H${trimmed(i * slot)}V${next}`;
      level = next;
    }
    return `${path}H${size}V${zero}z`;
  };
  const step = Math.ceil(bars.length / outlineParts);
  const parts: Markup[] = [];
  for (let from = 0; from < bars.length; from += step) {
    const part = bars.slice(from, from + step);
    const [first, last] = [part[0], part.at(-1)!];
    const said =
      `${count(from + 1)} to ${count(from + part.length)} of ${count(bars.length)}: ` +
      `${written(first.value, differences)} (${isolatedPlain(first.topic)}) to ` +
      `${written(last.value, differences)} (${isolatedPlain(last.topic)})`;
    parts.push(
      markup`<path class="reach" d="M${trimmed(from * slot)} 0h${trimmed(part.length * slot)}v${size}H${trimmed(from * slot)}z"><title>${said}</title></path>\n`,
    );
  }
  return [
    markup`<path class="${sideOf(1, differences)}" d="${side((value) => value > 0)}"/>`,
    markup`<path class="loss" d="${side((value) => value < 0)}"/>\n`,
    ...parts,
  ];
}

/** The ends of the line that intervals are drawn on; 0 lies between them or is one of them. */
export function intervalScale(
  values: readonly { difference: number; interval: Interval | null }[],
): Interval {
  const ends = values.flatMap(({ difference, interval }) =>
    interval ? [interval.low, interval.high] : [difference],
  );
  return { low: Math.min(0, ...ends), high: Math.max(0, ...ends) };
}

/** A difference and its interval on the line of `scale`, coloured if significant; an upright where there is none. */
export function intervalLine(
  { difference, interval }: { readonly difference: number; readonly interval: Interval | null },
  significant: boolean,
  scale: Interval,
): Markup {
  const x = (value: number): string =>
    trimmed(4 + ((value - scale.low) / (scale.high - scale.low || 1)) * 192);
  const { low, high } = interval ?? { low: difference, high: difference };
  const side = !significant ? 'even' : difference > 0 ? 'gain' : 'loss';
  return markup`<svg class="interval" viewBox="0 0 200 16" aria-hidden="true"><path class="zero" d="M${x(0)} 0v16"/><path class="${side} span" d="M${x(low)} 8H${x(high)}"/><circle class="${side}" cx="${x(difference)}" cy="8" r="3.2"/></svg>`;
}

function sideOf(value: number, differences: boolean): string {
  return differences ? (value > 0 ? 'gain' : 'loss') : 'level';
}

function written(value: number, differences: boolean): string {
  return differences ? signed(value, 3) : decimal(value, 3);
}

function tickDigits(ticks: readonly number[]): number {
  return Math.max(...ticks.map((tick) => (String(tick).split('.')[1] ?? '').length));
}

/** `value` with one decimal at most. */
function trimmed(value: number): string {
  return String(Math.round(value * 10) / 10);
}
