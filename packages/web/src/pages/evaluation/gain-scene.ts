import { decimal } from '../../../../quern/src/report/words.ts';
import { signed } from '../../../../quern/src/evaluate/report-words.ts';
import { ticksOf } from '../../../../quern/src/evaluate/chart-ticks.ts';
import { at, shortName, type Scene, type Shape } from './chart-scene.ts';
import type { TopicPair } from './topic-values.ts';

/** Bars of gains and losses: the topics in their order, and the drawing. */
export interface GainBars {
  readonly scene: Scene;
  /** From the largest gain to the largest loss. */
  readonly sorted: readonly TopicPair[];
  /** From where the bars begin, and how wide the place of each is. */
  readonly left: number;
  readonly slot: number;
  readonly zero: number;
  y(value: number): number;
}

/** What is compared, and how wide it is drawn. */
export interface ChartWords {
  readonly a: string;
  readonly b: string;
  readonly measure: string;
  readonly width?: number;
}

const height = 260;
const left = 52;
const right = 24;
const top = 14;
const bottom = 34;

/** A bar a topic, its difference upwards or downwards, from the largest gain to the largest loss. */
export function gainBarsOf(
  pairs: readonly TopicPair[],
  { a, b, measure, width = 720 }: ChartWords,
): GainBars {
  const sorted = [...pairs].sort((one, other) => other.difference - one.difference);
  const ticks = ticksOf([...pairs.map(({ difference }) => difference), 0.1]);
  const [low, high] = [ticks[0], ticks.at(-1)!];
  const y = (value: number): number => at(top + ((high - value) / (high - low)) * (height - top - bottom));
  const room = width - left - right;
  // A handful of topics is not drawn as slabs.
  const slot = room / Math.max(24, sorted.length);
  const zero = y(0);
  const digits = Math.max(...ticks.map((tick) => (String(tick).split('.')[1] ?? '').length), 1);
  const shapes: Shape[] = [
    ...ticks.flatMap((tick): Shape[] => [
      { role: 'grid', path: `M${left} ${y(tick)}H${width - right}` },
      { role: 'faint', text: signed(tick, digits), x: left - 8, y: y(tick) + 4, anchor: 'end' },
    ]),
    { role: 'gain', path: barsPath(sorted, (value) => Math.max(0, value), { y, slot }) },
    { role: 'loss', path: barsPath(sorted, (value) => Math.min(0, value), { y, slot }) },
    { role: 'axis', path: `M${left} ${zero}H${width - right}` },
    {
      role: 'text',
      text:
        width < 500
          ? 'Topics by difference'
          : `Topics by ${measure} of ${shortName(b, 30)} − ${shortName(a, 30)}`,
      x: left + room / 2,
      y: height - 10,
      anchor: 'middle',
    },
  ];
  const scene = {
    width,
    height,
    title: `Gains and losses in ${measure} by topic: ${shortName(b)} against ${shortName(a)}`,
    description: `${pairs.length} topics from the largest gain to the largest loss of ${shortName(b)} over ${shortName(a)}.`,
    shapes,
  };
  return { scene, sorted, left, slot, zero, y };
}

/** Bars as one outline: alike ones beside each other are one step where no gap shows between them. */
function barsPath(
  sorted: readonly TopicPair[],
  shown: (difference: number) => number,
  { y, slot }: { readonly y: (value: number) => number; readonly slot: number },
): string {
  const zero = y(0);
  if (slot >= 3) {
    const bar = at(slot * 0.84);
    return sorted
      .map(({ difference }, i) => [shown(difference), i] as const)
      .filter(([value]) => value !== 0)
      .map(([value, i]) => `M${at(left + i * slot)} ${zero}V${y(value)}h${bar}V${zero}z`)
      .join('');
  }
  let path = `M${left} ${zero}`;
  let levelNow = zero;
  for (const [i, { difference }] of sorted.entries()) {
    const next = y(shown(difference));
    if (next !== levelNow) path += `H${at(left + i * slot)}V${next}`;
    levelNow = next;
  }
  return `${path}H${at(left + sorted.length * slot)}V${zero}z`;
}

/** How many topics differ by how much: bars of equal width, ties a bar of their own between losses and gains. */
export function histogramScene(
  pairs: readonly TopicPair[],
  { a, b, measure, width = 720 }: ChartWords,
): Scene {
  const most = Math.max(...pairs.map(({ difference }) => Math.abs(difference)), 0);
  const size = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5].find((each) => most / each <= 10) ?? most / 10;
  const steps = Math.max(1, Math.ceil(most / size - 1e-9));
  const counts = Array.from({ length: 2 * steps + 1 }, () => 0);
  for (const { difference } of pairs) {
    const step = Math.min(steps, Math.max(1, Math.ceil(Math.abs(difference) / size - 1e-9)));
    counts[steps + (difference === 0 ? 0 : difference > 0 ? step : -step)]++;
  }
  const ticks = ticksOf(counts).filter(Number.isInteger);
  const high = ticks.at(-1)!;
  const y = (value: number): number => at(top + 8 + ((high - value) / high) * (height - top - bottom - 26));
  const room = width - left - right;
  const slot = room / counts.length;
  const every = Math.ceil(steps / (width < 500 ? 2 : 5));
  const edge = String(size).split('.')[1]?.length ?? 0;
  const shapes: Shape[] = [
    ...ticks.flatMap((tick): Shape[] => [
      { role: 'grid', path: `M${left} ${y(tick)}H${width - right}` },
      { role: 'faint', text: String(tick), x: left - 8, y: y(tick) + 4, anchor: 'end' },
    ]),
    ...counts.flatMap((count, i): Shape[] => {
      if (count === 0) return [];
      const x = at(left + i * slot + slot * 0.08);
      const role = i === steps ? 'tie' : i > steps ? 'gain' : 'loss';
      return [
        { role, path: `M${x} ${y(0)}V${y(count)}h${at(slot * 0.84)}V${y(0)}z` },
        {
          role: 'text',
          text: String(count),
          x: at(left + (i + 0.5) * slot),
          y: y(count) - 4,
          anchor: 'middle',
        },
      ];
    }),
    { role: 'axis', path: `M${left} ${y(0)}H${width - right}` },
    { role: 'text', text: 'tie', x: at(left + (steps + 0.5) * slot), y: y(0) + 15, anchor: 'middle' },
    ...Array.from({ length: steps }, (_, i) => i + 1)
      .filter((step) => step % every === 0)
      .flatMap((step): Shape[] => [
        edgeText(`+${decimal(step * size, edge)}`, left + (steps + 1 + step) * slot, y(0)),
        edgeText(`−${decimal(step * size, edge)}`, left + (steps - step) * slot, y(0)),
      ]),
    {
      role: 'text',
      text: `Topics by how much ${measure} differs`,
      x: left + room / 2,
      y: height - 8,
      anchor: 'middle',
    },
  ];
  return {
    width,
    height,
    title: `How many topics differ by how much in ${measure}: ${shortName(b)} against ${shortName(a)}`,
    description: `${pairs.length} topics; bars are ${size} wide, ties have a bar of their own.`,
    shapes,
  };
}

function edgeText(text: string, x: number, y: number): Shape {
  return { role: 'faint', text, x: at(x), y: y + 15, anchor: 'middle' };
}
