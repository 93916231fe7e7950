import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scripted } from '../../../test/scripted-reasoner.ts';
import { indexOf, someTexts } from '../../../test/small-index.ts';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import type { LexicalIndex } from '../../lexical/lexical-index.ts';
import { combineNamed } from '../../search/combine.ts';
import { LexicalRetriever } from '../../search/lexical-retriever.ts';
import { Admission } from './admission.ts';
import { GrowingRanking, type Look } from './growing-ranking.ts';

let index: LexicalIndex;
beforeAll(async () => {
  index = await indexOf(temporaryFolder(), someTexts);
});
afterAll(() => index.close());

const word = 'elm ';

function growing(searches: Admission, looks: Look[], signal?: AbortSignal): GrowingRanking {
  return new GrowingRanking({
    plan: {
      reasoner: scripted({ pieces: [] }),
      retriever: new LexicalRetriever(index, 'bm25'),
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
