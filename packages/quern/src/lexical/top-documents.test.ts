import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBytes } from '../byte-order.ts';
import { compareHits } from '../collections/ranking-order.ts';
import { TopDocuments } from './top-documents.ts';

interface Offer {
  readonly document: number;
  readonly score: number;
}

/** What `TopDocuments` keeps of `offers`, offered a stretch of `stretch` documents at a time, as ids and scores. */
function kept(k: number, ids: readonly string[], offers: readonly Offer[], stretch = 1000) {
  const order = Uint32Array.from(ids.keys()).sort((a, b) => compareBytes(ids[a], ids[b]));
  const places = new Uint32Array(ids.length);
  order.forEach((document, place) => (places[document] = place));
  const all = new Float64Array(ids.length);
  for (const { document, score } of offers) all[document] = score;
  const top = new TopDocuments(k, places, order);
  for (let first = 0; first < all.length; first += stretch) {
    top.offer(first, all.subarray(first, first + stretch));
  }
  const { documents, scores } = top.take();
  return Array.from(documents, (document, i) => ({ id: ids[document], score: scores[i] }));
}

function sorted(k: number, ids: readonly string[], offers: readonly Offer[]) {
  return offers
    .map(({ document, score }) => ({ id: ids[document], score: Math.fround(score) }))
    .sort(compareHits)
    .slice(0, k);
}

// Few different scores, some of them equal only once they are 32-bit floats.
const tiedScore = fc
  .tuple(fc.constantFrom(1e-30, 0.1, 1, 1 + 2 ** -23, 7.25, 1e30), fc.constantFrom(1, 1 + 1e-12, 1 - 1e-12))
  .map(([score, error]) => score * error);
const anyScore = fc.double({ min: 1e-40, max: 1e38, noNaN: true });

const cases = fc
  .record({
    ids: fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 4 }), { minLength: 1, maxLength: 400 }),
    seed: fc.infiniteStream(fc.oneof(tiedScore, anyScore)),
  })
  .chain(({ ids, seed }) => {
    const offers = [...ids.keys()].map((document) => ({ document, score: seed.next().value as number }));
    return fc.tuple(
      fc.constant(ids),
      fc.subarray(offers),
      fc.integer({ min: 1, max: ids.length + 50 }),
      fc.integer({ min: 1, max: ids.length }),
    );
  });

describe('TopDocuments', () => {
  it('keeps what sorting everything would put first, whatever the scores, ties, k and stretches', () => {
    fc.assert(
      fc.property(cases, ([ids, offers, k, stretch]) => {
        expect(kept(k, ids, offers, stretch)).toEqual(sorted(k, ids, offers));
      }),
      { numRuns: 400 },
    );
  });

  it('keeps the best few of thousands, after many partial sorts', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(3, 100, 1e9),
        (seed, k, variety) => {
          const ids = Array.from({ length: 3000 }, (_, i) => `d${i}`);
          let state = seed;
          const offers = ids.map((_, document) => {
            state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
            return { document, score: 1 + ((state >>> 3) % variety) };
          });
          expect(kept(k, ids, offers)).toEqual(sorted(k, ids, offers));
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    ['rise', (i: number) => i + 1],
    ['fall', (i: number) => 30_000 - i],
    ['are all equal', () => 1],
    ['rise and fall', (i: number) => 1 + Math.min(i, 30_000 - i)],
    ['take turns', (i: number) => 1 + (i % 2)],
  ])('keeps the right thousand of many when scores %s', (_, scoreOf) => {
    const ids = Array.from({ length: 30_000 }, (_value, i) => `d${(i * 7919) % 30_000}`);
    const offers = ids.map((_id, document) => ({ document, score: scoreOf(document) }));
    expect(kept(1000, ids, offers)).toEqual(sorted(1000, ids, offers));
  });

  it('of an empty index, or without an offer, keeps nothing', () => {
    expect(kept(10, [], [])).toEqual([]);
    expect(kept(10, ['a'], [])).toEqual([]);
  });
});
