import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexOf, someTexts, words } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { scorings } from '../lexical/bm25.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import type { TextEnd } from '../reason/reasoner.ts';
import { defaultEarlyStop, type EarlyStop } from './early-stop.ts';
import { LexicalRetriever } from './lexical-retriever.ts';
import type { Retriever } from './retriever.ts';
import { StableRanking, type StableRankingOptions } from './stable-ranking.ts';
import { tokenEstimate } from './token-estimate.ts';

const folder = temporaryFolder();
let index: LexicalIndex;
let english: LexicalIndex;

beforeAll(async () => {
  index = await indexOf(folder, someTexts);
  const mixed = Object.entries(someTexts).map(([id, text], i) => [id, `${text} ${'山川空海花'[i % 5]}`]);
  english = await indexOf(folder, Object.fromEntries(mixed) as Record<string, string>, 'english');
});
afterAll(async () => {
  await index?.close();
  await english?.close();
});

/** A retriever that searches whole texts, and counts how often. */
function wholeTexts(inner: Retriever): Retriever & { searches: string[] } {
  const searches: string[] = [];
  return {
    id: 'whole',
    searches,
    search: async (query, options) => {
      searches.push(String(query));
      return inner.search(query, options);
    },
  };
}

/** Shows a text as it grows by pieces of these lengths until it is enough; the last piece is the rest. */
async function shown(
  watch: StableRanking,
  text: string,
  lengths: readonly number[],
): Promise<TextEnd | undefined> {
  let at = 0;
  for (const length of lengths) {
    at = Math.min(text.length, at + length);
    const end = await watch.enough(text.slice(0, at));
    if (end) return end;
  }
  return watch.enough(text);
}

function watchOf(
  retriever: Retriever,
  settings: Partial<EarlyStop> = {},
  options: StableRankingOptions = {},
): StableRanking {
  return new StableRanking(retriever, { ...defaultEarlyStop, every: 3, ...settings }, options);
}

const someWord = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<string>(...words, 'unknown', 'Ash,', 'elm-oak') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('山川', '空が海', 'カタカナ', 'か\u3099', '𠮷野', '花\u{e0100}', '👩‍🌾'),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
);
const someText = fc
  .array(fc.tuple(someWord, fc.constantFrom(' ', '\n', '  ', '\n\n', '')), { maxLength: 60 })
  .map((parts) => parts.flat().join(''));
const someLengths = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 80 });
const someSettings = fc.record({
  every: fc.integer({ min: 1, max: 9 }),
  depth: fc.integer({ min: 1, max: 12 }),
  overlap: fc.constantFrom(0.3, 0.8, 1),
  checks: fc.integer({ min: 1, max: 3 }),
});

describe.each(scorings)('a text that is watched with %s', (scoring) => {
  const retrievers = (): Retriever[] => {
    const growing = new LexicalRetriever(english, scoring);
    return [growing, wholeTexts(growing)];
  };

  it('ends at the same place however it is cut into pieces', async () => {
    await fc.assert(
      fc.asyncProperty(someText, someLengths, someSettings, async (text, lengths, settings) => {
        for (const retriever of retrievers()) {
          const whole = await watchOf(retriever, settings).enough(text);
          expect(await shown(watchOf(retriever, settings), text, lengths)).toEqual(whole);
          expect(whole?.length ?? 0).toBeLessThanOrEqual(text.length);
        }
      }),
    );
  });

  it('ends after whole words, not before it has so many tokens as three looks take', async () => {
    await fc.assert(
      fc.asyncProperty(someText, someSettings, async (text, settings) => {
        const [retriever] = retrievers();
        const watch = watchOf(retriever, settings);
        const end = await watch.enough(text);
        const { every, checks } = settings;
        expect(watch.end).toEqual(end);
        expect(watch.probes).toBeLessThanOrEqual(tokenEstimate(text) / every);
        if (!end) return;
        expect(tokenEstimate(text.slice(0, end.length))).toBeGreaterThanOrEqual(every * (checks + 1));
        expect(watch.probes).toBeGreaterThanOrEqual(checks + 1);
      }),
    );
  });

  it('is looked at again from its beginning when it comes anew, with the same end', async () => {
    await fc.assert(
      fc.asyncProperty(someText, someText, someLengths, someSettings, async (a, b, lengths, settings) => {
        for (const retriever of retrievers()) {
          const watch = watchOf(retriever, settings);
          await shown(watch, a, lengths);
          expect(await shown(watch, b, lengths)).toEqual(await watchOf(retriever, settings).enough(b));
        }
      }),
    );
  });

  it('that begins as one that was not enough goes on from there', async () => {
    await fc.assert(
      fc.asyncProperty(someText, someText, someLengths, someSettings, async (a, b, lengths, settings) => {
        const [retriever] = retrievers();
        const watch = watchOf(retriever, settings);
        fc.pre((await watch.enough(a)) === undefined);
        const seen = watch.probes;
        expect(await shown(watch, a + b, lengths)).toEqual(await watchOf(retriever, settings).enough(a + b));
        const alone = watchOf(retriever, settings);
        await alone.enough(a + b);
        expect(watch.probes).toBe(alone.probes);
        expect(seen).toBeLessThanOrEqual(watch.probes);
      }),
    );
  });
});

describe('a text that is watched', () => {
  const text = `${'ash elm oak '.repeat(60)}`;

  it('ends when the ranking has stayed the same, and says so', async () => {
    const watch = watchOf(new LexicalRetriever(index, 'bm25'), { every: 3, overlap: 1, checks: 2 });
    const end = await watch.enough(text);
    expect(end?.length).toBe('ash elm oak '.repeat(3).length - 1);
    expect(end?.why).toBe(
      'the best 10 stayed the same for 2 looks in a row (overlap 1.000 at the last, at least 1 at each)',
    );
    expect(watch.probes).toBe(3);
    expect(watch.milliseconds).toBeGreaterThan(0);
  });

  it.each([1, 2, 3, 5, 10, 20, 50, 59, 60])('can ask for an overlap of 1 in the best %i', async (depth) => {
    const watch = watchOf(new LexicalRetriever(index, 'bm25'), { overlap: 1, depth, checks: 1 });
    expect(await watch.enough(text)).toBeDefined();
  });

  it('is not cut within a character and its marks, though these come in pieces of their own', async () => {
    const retriever = wholeTexts(new LexicalRetriever(english, 'bm25'));
    const marked = '花\u{e0100}山か\u3099'.repeat(9);
    const letters = Array<number>(marked.length).fill(1);
    await shown(watchOf(retriever, { every: 1, checks: 99 }), marked, letters);
    const inPieces = retriever.searches.splice(0);
    await watchOf(retriever, { every: 1, checks: 99 }).enough(marked);
    expect(inPieces).toEqual(retriever.searches);
    for (const searched of inPieces) expect(searched).toMatch(/(?:花\u{e0100}|山|か\u3099)$/u);
  });

  it('has no end before a look at it is due', async () => {
    const watch = watchOf(new LexicalRetriever(index, 'bm25'), { every: 1000 });
    expect(await watch.enough(text)).toBeUndefined();
    expect(watch.probes).toBe(0);
  });

  it('has no end where the ranking never is the same often enough, nor where no document is found', async () => {
    const retriever = new LexicalRetriever(index, 'bm25');
    const watch = watchOf(retriever, { checks: 1000 });
    expect(await watch.enough(text)).toBeUndefined();
    expect(watch.probes).toBe(60);
    expect(await watchOf(retriever, { checks: 1 }).enough('yew '.repeat(100))).toBeUndefined();
  });

  it('costs the postings of its terms and of what is searched with it, whatever the number of looks', async () => {
    const retriever = new LexicalRetriever(index, 'bm25');
    const read = async (every: number): Promise<number> => {
      const before = index.postingsRead;
      await watchOf(retriever, { every, checks: 1000 }, { beside: 'cedar cedar' }).enough(text);
      return index.postingsRead - before;
    };
    const frequency = (term: string): number => index.documentFrequency(term);
    const expected = 60 * (frequency('ash') + frequency('elm') + frequency('oak')) + 2 * frequency('cedar');
    expect(await read(1)).toBe(expected);
    expect(await read(9)).toBe(expected);
    expect(await read(90)).toBe(expected);
  });

  it('is searched as a whole at each look where the retriever has nothing that grows', async () => {
    const retriever = wholeTexts(new LexicalRetriever(index, 'bm25'));
    await watchOf(retriever, { checks: 2, overlap: 1 }, { beside: 'fir' }).enough(text);
    expect(retriever.searches).toEqual(
      [1, 2, 3].map((times) => `fir ${'ash elm oak '.repeat(times).trimEnd()}`),
    );
  });

  it('that comes anew with another end of its last word is another text', async () => {
    for (const make of [(inner: Retriever) => inner, wholeTexts]) {
      const retriever = make(new LexicalRetriever(index, 'bm25'));
      const settings = { every: 1, checks: 1, overlap: 1 };
      for (const [a, b] of [
        ['ash ash ', 'ash ash'],
        ['ash ash ', 'ash ashes elm '],
        ['ash ash\n', 'ash ash ash '],
      ]) {
        const watch = watchOf(retriever, settings);
        expect(await watch.enough(a)).toMatchObject({ length: 7 });
        expect(await watch.enough(b)).toEqual(await watchOf(retriever, settings).enough(b));
      }
    }
  });

  it('is looked at by itself where another is shown in between', async () => {
    const other = 'hazel hazel maple cedar fir ash '.repeat(20);
    for (const retriever of [
      new LexicalRetriever(index, 'bm25'),
      wholeTexts(new LexicalRetriever(index, 'bm25')),
    ]) {
      const shared = watchOf(retriever, { every: 2 });
      const ends = [text, other].map((each) => shown(shared, each, Array<number>(200).fill(7)));
      const alone = [text, other].map((each) => watchOf(retriever, { every: 2 }).enough(each));
      expect(await Promise.all(ends)).toEqual(await Promise.all(alone));
    }
  });

  it('does not look at documents that are excluded', async () => {
    const retriever = new LexicalRetriever(index, 'bm25');
    const excluded = (await retriever.search('ash elm oak', { k: 60 })).map(({ id }) => id);
    const watch = watchOf(retriever, { checks: 1 }, { excluded });
    expect(await watch.enough(text)).toBeUndefined();
    expect(watch.probes).toBeGreaterThan(0);
  });

  it('is looked at in scripts without spaces, after each of their characters', async () => {
    const watch = watchOf(new LexicalRetriever(english, 'bm25'), { every: 5, checks: 2 });
    const end = await watch.enough('山川空海花'.repeat(40));
    expect(end?.length).toBe(15);
  });

  it('takes no time to speak of where it is one endless word', async () => {
    const retriever = wholeTexts(new LexicalRetriever(index, 'bm25'));
    const watch = watchOf(retriever, { every: 1 });
    const endless = 'x'.repeat(300_000);
    for (let at = 100_000; at <= endless.length; at += 10_000) await watch.enough(endless.slice(0, at));
    expect(retriever.searches).toEqual([]);
    expect(await watch.enough(`${endless} `)).toBeUndefined();
    expect(retriever.searches).toHaveLength(1);
  });

  it('cannot be watched with impossible settings', () => {
    const retriever = new LexicalRetriever(index, 'bm25');
    for (const settings of [{ every: 0 }, { every: NaN }, { depth: 1.5 }, { overlap: 1.1 }, { checks: 0 }]) {
      expect(() => watchOf(retriever, settings)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
    }
  });

  it('hands the signal on to searches of whole texts', async () => {
    const { signal } = new AbortController();
    const signals: unknown[] = [];
    const retriever: Retriever = {
      id: 'whole',
      search: async (_, options) => {
        signals.push(options.signal);
        return [];
      },
    };
    await watchOf(retriever, { every: 1, checks: 9 }, { signal }).enough('ash elm oak ');
    expect(signals).toEqual([signal, signal, signal]);
  });
});
