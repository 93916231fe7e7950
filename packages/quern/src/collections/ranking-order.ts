import { compareBytes } from '../byte-order.ts';
import type { Hit } from './records.ts';

/**
 * The order of a ranking: descending score, ties by descending bytes of the id. This is trec_eval's rule. Scores are
 * compared as 32-bit floats, which is how trec_eval 9 holds them (10 holds doubles); as Quern's own scores are such
 * floats, both order Quern's run files as Quern does.
 */
export function compareHits(a: Pick<Hit, 'id' | 'score'>, b: Pick<Hit, 'id' | 'score'>): number {
  const x = Math.fround(a.score);
  const y = Math.fround(b.score);
  if (x !== y) return x > y ? -1 : 1;
  return compareBytes(b.id, a.id);
}
