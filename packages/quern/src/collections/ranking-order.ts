import type { Hit } from './records.ts';

/**
 * Compares two ids by their UTF-8 bytes: negative, zero or positive. Code units order surrogates (U+10000 and above)
 * before U+E000–U+FFFF, bytes after them; everywhere else both orders agree.
 */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    if (x >= 0xd800 && y >= 0xd800) {
      // Lift surrogates above the rest of the basic plane, as their UTF-8 bytes are.
      if (x <= 0xdfff) x += 0x10000;
      if (y <= 0xdfff) y += 0x10000;
    }
    return x - y;
  }
  return a.length - b.length;
}

/**
 * The order of a ranking: descending score, ties by descending bytes of the id. This is trec_eval's rule. Scores are
 * compared as 32-bit floats, which is how trec_eval 9 holds them (10 holds doubles); as Quern's own scores are such
 * floats, every ranking, run file and measure has one order under both.
 */
export function compareHits(a: Pick<Hit, 'id' | 'score'>, b: Pick<Hit, 'id' | 'score'>): number {
  const x = Math.fround(a.score);
  const y = Math.fround(b.score);
  if (x !== y) return x > y ? -1 : 1;
  return compareBytes(b.id, a.id);
}
