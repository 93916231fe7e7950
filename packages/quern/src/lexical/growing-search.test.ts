import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexOf, someTexts, words } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { IndexBuilder } from './index-builder.ts';
import { IndexWriter } from './index-writer.ts';
import { LexicalIndex } from './lexical-index.ts';

const folder = temporaryFolder();
const path = join(folder, 'living');
let index: LexicalIndex;
let segments: number;

/** Three segments, with deletions and replacements in two of them. */
beforeAll(async () => {
  const texts = Object.entries(someTexts);
  const builder = await IndexBuilder.create({ out: path, analyzer: analyzerNamed('whitespace') });
  for (const [id, text] of texts.slice(0, 25)) await builder.add({ id, title: '', text }, id);
  await builder.finish();
  const writer = await IndexWriter.open(path);
  for (const [from, to] of [
    [25, 45],
    [45, 60],
  ]) {
    for (const [id, text] of texts.slice(from, to)) await writer.add({ id, title: '', text }, id);
    await writer.commit();
  }
  for (const id of ['d2', 'd11', 'd30', 'd59']) await writer.delete(id);
  await writer.add({ id: 'd7', title: '', text: 'oak ash oak elm' }, 'd7');
  await writer.commit();
  await writer.close();
  index = await LexicalIndex.open(path);
  segments = index.plan(new Map([['ash', 1]]), { k: 1 }).segments.length;
});
afterAll(() => index?.close());

const additions = fc.array(
  fc.tuple(fc.constantFrom(...words), fc.double({ min: 0.01, max: 50, noNaN: true })),
  { maxLength: 14 },
);
const parameters = fc.record({
  k1: fc.double({ min: 0, max: 3, noNaN: true }),
  b: fc.double({ min: 0, max: 1, noNaN: true }),
});
const excluded = fc.subarray([...Object.keys(someTexts), 'unknown'], { maxLength: 20 });

/** How many postings a term has, those of deleted documents among them: what reading all of them costs. */
function postingsOf(term: string): number {
  return index
    .plan(new Map([[term, 1]]), { k: 1 })
    .segments.reduce((total, { postings }) => total + postings, 0);
}

describe('a search that grows', () => {
  it('is tested over several segments with deletions', () => {
    expect(segments).toBeGreaterThan(2);
    expect(index.has('d2')).toBe(false);
  });

  it('ranks as a search for the summed weights does, after each addition', () => {
    fc.assert(
      fc.property(
        additions,
        parameters,
        excluded,
        fc.integer({ min: 1, max: 70 }),
        (added, chosen, without, k) => {
          const growing = index.growingSearch({ parameters: chosen, excluded: without });
          const weights = new Map<string, number>();
          for (const [term, weight] of added) {
            growing.add(term, weight);
            weights.set(term, (weights.get(term) ?? 0) + weight);
            const best = growing.best(k);
            const hits = index.search(weights, { k, parameters: chosen, excluded: without });
            expect(best).toHaveLength(hits.length);
            const scores = new Map(
              index
                .search(weights, { k: 70, parameters: chosen, excluded: without })
                .map(({ id, score }) => [id, score]),
            );
            for (const [i, { id, score, rank }] of best.entries()) {
              expect(rank).toBe(i + 1);
              // Scores that differ by their rounding can stand in another order.
              expect(Math.abs(score / hits[i].score - 1)).toBeLessThan(1e-6);
              expect(Math.abs(score / scores.get(id)! - 1)).toBeLessThan(1e-6);
            }
            expect(new Set(best.map(({ id }) => id)).size).toBe(best.length);
          }
        },
      ),
    );
  });

  it('ranks equal scores by descending ids, at the cut too', async () => {
    const texts = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`d${i}`, 'same words']));
    const ties = await indexOf(folder, texts);
    for (const k of [1, 7, 40, 100]) {
      const growing = ties.growingSearch();
      growing.add('same', 1);
      growing.add('words', 2);
      const weights = new Map([
        ['same', 1],
        ['words', 2],
      ]);
      expect(growing.best(k)).toEqual(ties.search(weights, { k }));
    }
    await ties.close();
  });

  it('takes scores for equal that are so as 32-bit floats, whichever sum is larger', async () => {
    for (const [first, second] of ['ab', 'ba']) {
      const near = await indexOf(folder, { [first]: 'p q', [second]: 'r s' });
      const growing = near.growingSearch();
      const weights = new Map([
        ['p', 0.1],
        ['q', 0.2],
        ['r', 0.3 - 1e-12],
        ['s', 0],
      ]);
      for (const [term, weight] of weights) growing.add(term, weight);
      expect(growing.best(1).map(({ id }) => id)).toEqual(['b']);
      expect(growing.best(1)).toEqual(near.search(weights, { k: 1 }));
      await near.close();
    }
  });

  it('does so among many, too', async () => {
    const ids = Array.from({ length: 60 }, (_, i) => `d${String(i).padStart(2, '0')}`);
    const near = await indexOf(folder, Object.fromEntries(ids.map((id) => [id, `word-${id}`])));
    // Some round to a float above them, others to one below.
    for (const heaviest of [0.3, 0.31, 0.37, 0.41, 0.53, 0.59, 0.67, 0.71]) {
      const weights = new Map(ids.map((id, i) => [`word-${id}`, heaviest - i * 1e-12]));
      const growing = near.growingSearch();
      for (const [term, weight] of weights) growing.add(term, weight);
      for (const k of [1, 4, 60]) expect(growing.best(k)).toEqual(near.search(weights, { k }));
      expect(growing.best(1)[0].id).toBe('d59');
    }
    await near.close();
  });

  it('reads the postings of each added term and nothing else, however often the ranking is looked at', () => {
    fc.assert(
      fc.property(additions, fc.integer({ min: 0, max: 3 }), (added, looks) => {
        const before = index.postingsRead;
        const growing = index.growingSearch();
        for (const [term, weight] of added) {
          growing.add(term, weight);
          for (let look = 0; look < looks; look++) growing.best(10);
        }
        const read = index.postingsRead - before;
        expect(read).toBe(added.reduce((total, [term]) => total + postingsOf(term), 0));
      }),
    );
  });

  it('finds nothing before something is added, and nothing for unknown terms', () => {
    const growing = index.growingSearch();
    expect(growing.best(10)).toEqual([]);
    growing.add('yew', 1);
    growing.add('no such term', 1);
    expect(growing.best(10)).toEqual([]);
  });

  it('is not disturbed by other searches with other parameters in between', () => {
    const alone = index.growingSearch({ parameters: { k1: 2, b: 1 } });
    const disturbed = index.growingSearch({ parameters: { k1: 2, b: 1 } });
    for (const term of ['ash', 'elm', 'oak']) alone.add(term, 1);
    for (const term of ['ash', 'elm', 'oak']) {
      disturbed.add(term, 1);
      index.search(new Map([['ash', 1]]), { k: 3, parameters: { k1: 0, b: 0 } });
      index.growingSearch().add('cedar', 1);
    }
    expect(disturbed.best(60)).toEqual(alone.best(60));
  });

  it('takes the weights that a search takes, and the parameters', () => {
    const growing = index.growingSearch();
    for (const weight of [-1, NaN, Infinity, 1e31]) {
      expect(() => growing.add('ash', weight)).toThrow(
        expect.objectContaining({ code: 'BAD_INPUT' }) as Error,
      );
    }
    growing.add('ash', 0);
    expect(growing.best(10)).toEqual([]);
    expect(() => index.growingSearch({ parameters: { k1: -1, b: 0 } })).toThrow(
      expect.objectContaining({ code: 'USAGE' }) as Error,
    );
  });
});
