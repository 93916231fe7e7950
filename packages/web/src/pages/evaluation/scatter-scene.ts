import { decimal } from '../../../../quern/src/report/words.ts';
import { ticksOf } from '../../../../quern/src/evaluate/chart-ticks.ts';
import { at, shortName, type Role, type Scene, type Shape } from './chart-scene.ts';
import type { TopicPair } from './topic-values.ts';

/** Topics at one place of a scatter plot. */
export interface Spot {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly role: Role;
  /** In the order of the topics. */
  readonly topics: readonly TopicPair[];
}

/** A scatter plot: where everything is, and the drawing. */
export interface Scatter {
  readonly scene: Scene;
  readonly spots: readonly Spot[];
  /** The spot of a topic. */
  spotOf(topic: string): Spot | undefined;
}

const side = 360;
const left = 52;
const top = 26;

/** One point a topic, the value of `a` to the right and that of `b` upwards; topics at one place are one larger point. */
export function scatterOf(
  pairs: readonly TopicPair[],
  { a, b, measure }: { readonly a: string; readonly b: string; readonly measure: string },
): Scatter {
  const ticks = ticksOf([...pairs.flatMap((pair) => [pair.a, pair.b]), 1]);
  const [low, high] = [ticks[0], ticks.at(-1)!];
  const x = (value: number): number => at(left + ((value - low) / (high - low)) * side);
  const y = (value: number): number => at(top + ((high - value) / (high - low)) * side);
  const places = new Map<string, { x: number; y: number; topics: TopicPair[] }>();
  for (const pair of pairs) {
    const place = { x: x(pair.a), y: y(pair.b), topics: [pair] };
    const key = `${place.x} ${place.y}`;
    const known = places.get(key);
    if (known) known.topics.push(pair);
    else places.set(key, place);
  }
  // Where there are thousands, small ones still show where most are.
  const point = places.size > 3000 ? 1 : places.size > 600 ? 2 : 3.5;
  const spots = Array.from(places.values(), (place): Spot => {
    const radius = Math.min(14, Math.round(point * Math.sqrt(Math.sqrt(place.topics.length)) * 2) / 2);
    const { difference } = place.topics[0];
    const role = difference > 0 ? 'gain-point' : difference < 0 ? 'loss-point' : 'tie-point';
    return { ...place, radius, role };
  });
  const byTopic = new Map(spots.flatMap((spot) => spot.topics.map(({ id }) => [id, spot] as const)));
  const paths = new Map<string, { role: Role; width: number; path: string }>();
  for (const spot of spots) {
    const key = `${spot.role} ${spot.radius}`;
    const path = paths.get(key) ?? { role: spot.role, width: 2 * spot.radius, path: '' };
    path.path += `M${spot.x} ${spot.y}h0`;
    paths.set(key, path);
  }
  const bottom = top + side;
  const shapes: Shape[] = [
    ...ticks.flatMap((tick): Shape[] => [
      { role: 'grid', path: `M${x(tick)} ${top}V${bottom}M${left} ${y(tick)}H${left + side}` },
      { role: 'faint', text: decimal(tick, 1), x: x(tick), y: bottom + 18, anchor: 'middle' },
      { role: 'faint', text: decimal(tick, 1), x: left - 8, y: y(tick) + 4, anchor: 'end' },
    ]),
    { role: 'axis', path: `M${left} ${top}V${bottom}H${left + side}` },
    { role: 'even', path: `M${x(low)} ${y(low)}L${x(high)} ${y(high)}` },
    // The large ones lie below the small ones.
    ...[...paths.values()].sort((one, other) => other.width - one.width),
    { role: 'text', text: shortName(a), x: left + side / 2, y: bottom + 38, anchor: 'middle' },
    { role: 'text', text: shortName(b), x: 14, y: top + side / 2, anchor: 'middle', turn: -90 },
    { role: 'gain-text', text: 'above the diagonal: better', x: left, y: 15 },
    { role: 'loss-text', text: 'below: worse', x: left + side, y: 15, anchor: 'end' },
  ];
  const scene = {
    width: left + side + 16,
    height: bottom + 50,
    title: `${measure} of each topic: ${shortName(b)} against ${shortName(a)}`,
    description: `${pairs.length} topics. To the right, ${measure} of ${shortName(a)}; upwards, of ${shortName(b)}. Above the diagonal ${shortName(b)} is better.`,
    shapes,
  };
  return { scene, spots, spotOf: (topic) => byTopic.get(topic) };
}
