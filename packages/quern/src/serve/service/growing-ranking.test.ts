import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { scripted } from '../../../test/scripted-reasoner.ts';
import { indexOf, someTexts } from '../../../test/small-index.ts';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import type { LexicalIndex } from '../../lexical/lexical-index.ts';
import { combineNamed } from '../../search/combine.ts';
import { LexicalRetriever } from '../../search/lexical-retriever.ts';
import type { Retriever } from '../../search/retriever.ts';
import * as estimate from '../../search/token-estimate.ts';
import { Admission } from './admission.ts';
import { GrowingRanking, type Look } from './growing-ranking.ts';

let index: LexicalIndex;
beforeAll(async () => {
  index = await indexOf(temporaryFolder(), someTexts);
});
afterAll(() => index.close());

const word = 'elm ';

function growing(
  searches: Admission,
  looks: Look[],
  signal?: AbortSignal,
  retriever: Retriever = new LexicalRetriever(index, 'bm25'),
): GrowingRanking {
  return new GrowingRanking({
    plan: {
      reasoner: scripted({ pieces: [] }),
      retriever,
      combine: combineNamed('replace'),
    },
    query: 'oak',
    index,
    searches,
    k: 3,
    excluded: [],
    ...(signal && { signal }),
    told: (look) => looks.push(look),
  });
}

const places = { concurrent: 1, waiting: 10, deadline: 1000 };

describe('a ranking that grows', () => {
  it('is looked at every twelve tokens, at the ends of words', async () => {
    const looks: Look[] = [];
    const ranking = growing(new Admission('searches', places), looks);
    const text = word.repeat(40);
    for (let end = 1; end <= text.length; end++) ranking.add(text.slice(0, end), 0);
    await ranking.end();
    expect(looks.map(({ lengths, tokens }) => [lengths[0], tokens])).toEqual([
      [47, 12],
      [95, 24],
      [143, 36],
    ]);
  });

  it('is looked at as often where the text comes at once', async () => {
    const looks: Look[] = [];
    const ranking = growing(new Admission('searches', places), looks);
    ranking.add(word.repeat(40), 0);
    await ranking.end();
    expect(looks.map(({ tokens }) => tokens)).toEqual([12, 24, 36]);
  });

  it('is looked at sixty times at most, to the end of the text', async () => {
    const looks: Look[] = [];
    const ranking = growing(new Admission('searches', places), looks);
    ranking.add(word.repeat(20_000), 0);
    await ranking.end();
    expect(looks.length).toBeLessThanOrEqual(60);
    expect(looks.length).toBeGreaterThan(25);
    expect(looks.at(-1)!.tokens).toBeGreaterThan(19_900);
  });

  it('is looked at within a text that has no spaces', async () => {
    const looks: Look[] = [];
    const ranking = growing(new Admission('searches', places), looks);
    ranking.add('面包为什么会变硬'.repeat(5), 0);
    await ranking.end();
    expect(looks.map(({ lengths, tokens }) => [lengths[0], tokens])).toEqual([
      [12, 12],
      [24, 24],
      [36, 36],
    ]);
  });

  it('begins anew with a text that does', async () => {
    const looks: Look[] = [];
    const ranking = growing(new Admission('searches', places), looks);
    ranking.add(word.repeat(30), 0);
    await expect.poll(() => looks.length, { timeout: 30_000 }).toBe(2);
    ranking.add('ash '.repeat(14), 0);
    await ranking.end();
    expect(looks.map(({ tokens }) => tokens)).toEqual([12, 24, 12]);
  });

  it('is not told of a text that has come anew since', async () => {
    const looks: Look[] = [];
    const ranking = growing(new Admission('searches', places), looks);
    ranking.add(word.repeat(30), 0);
    ranking.add(`${word}ash `.repeat(7), 0);
    await ranking.end();
    expect(looks.map(({ lengths, tokens }) => [lengths[0], tokens])).toEqual([[47, 12]]);
    expect(looks[0]!.hits.length).toBeGreaterThan(0);
  });

  it('counts each word once, however long the text is', async () => {
    const counted = vi.spyOn(estimate, 'tokenEstimate');
    const ranking = growing(new Admission('searches', places), []);
    ranking.add(word.repeat(2000), 0);
    ranking.stop();
    const characters = counted.mock.calls.reduce((sum, [text]) => sum + text.length, 0);
    expect([counted.mock.calls.length, characters]).toEqual([2000, word.length * 2000 - 1]);
    counted.mockRestore();
    await ranking.end();
  });

  it('leaves out looks that fail in whatever way', async () => {
    const failing: Retriever = { id: 'failing', search: () => Promise.reject(new TypeError('a defect')) };
    const looks: Look[] = [];
    const ranking = growing(new Admission('searches', places), looks, undefined, failing);
    ranking.add(word.repeat(40), 0);
    await expect(ranking.end()).resolves.toBeUndefined();
    expect(looks).toEqual([]);
  });

  it('ends a look that comes to no end, wherever that waits', async () => {
    let isSearched = false;
    const hanging: Retriever = {
      id: 'hanging',
      search: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          isSearched = true;
          signal!.addEventListener('abort', () => reject(new Error('ended')), { once: true });
        }),
    };
    const searches = new Admission('searches', places);
    const waits = new Admission('searches', places);
    const leave = await waits.take();
    const looking = growing(searches, [], undefined, hanging);
    const waiting = growing(waits, []);
    for (const ranking of [looking, waiting]) ranking.add(word.repeat(40), 0);
    await expect.poll(() => [isSearched, waits.waiting]).toEqual([true, 1]);
    for (const ranking of [looking, waiting]) ranking.stop();
    await Promise.all([looking.end(), waiting.end()]);
    expect([searches.running, waits.waiting]).toEqual([0, 0]);
    leave();
  });

  it('is left out where no place is free, and holds nobody up', async () => {
    const full = new Admission('searches', { concurrent: 1, waiting: 0, deadline: 1000 });
    const leave = await full.take();
    const looks: Look[] = [];
    const ranking = growing(full, looks);
    ranking.add(word.repeat(40), 0);
    await ranking.end();
    expect(looks).toEqual([]);
    leave();
  });

  it('is not looked at for somebody who has gone', async () => {
    const looks: Look[] = [];
    const gone = new AbortController();
    const ranking = growing(new Admission('searches', places), looks, gone.signal);
    gone.abort();
    ranking.add(word.repeat(40), 0);
    await ranking.end();
    expect(looks).toEqual([]);
  });
});
