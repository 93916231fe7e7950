import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectionNames, collectionTexts } from '../../test/oracles/lucene/collection-texts.mjs';
import { madeUpTexts, nastyTexts } from '../../test/oracles/lucene/made-up-texts.mjs';
import { sharedData } from '../../test/shared-data.ts';
import type { TermSpan } from './analyzer.ts';
import { ENGLISH_STOP_WORDS, englishAnalyzer } from './english.ts';
import { standardTokens } from './standard-tokenizer.ts';

const english = englishAnalyzer();

function golden(file: string): string {
  return readFileSync(new URL(`../../test/golden/lucene-english/${file}`, import.meta.url), 'utf8');
}

interface Digest {
  readonly tokens: number;
  readonly sha256: string;
}
interface Digests {
  readonly texts: number;
  readonly english: Digest;
  readonly standard: Digest;
}

const digests = JSON.parse(golden('digests.json')) as Record<string, Digests>;

function standardSpans(text: string): TermSpan[] {
  const spans: TermSpan[] = [];
  const places = standardTokens(text);
  for (let i = 0; i < places.length; i += 2) {
    const [start, end] = [places[i]!, places[i + 1]!];
    spans.push({ term: text.slice(start, end), start, end });
  }
  return spans;
}

/** The digest of all spans of `texts`, written as the oracle writes them. */
function digestOf(texts: readonly string[], analysed: (text: string) => TermSpan[]): Digest {
  const sha256 = createHash('sha256');
  let tokens = 0;
  for (const text of texts) {
    const spans = analysed(text);
    const lines = spans.map(({ term, start, end }) => `${term}\t${start}\t${end}\n`).join('');
    sha256.update(Buffer.from(`${lines}\n`, 'utf16le'));
    tokens += spans.length;
  }
  return { tokens, sha256: sha256.digest('hex') };
}

function digestsOf(texts: readonly string[]): Digests {
  return {
    texts: texts.length,
    english: digestOf(texts, (text) => english.spans(text)),
    standard: digestOf(texts, standardSpans),
  };
}

/** Letters that Unicode 14.0 to 17.0 gave a lower case; the Java 17 that ran the oracle knows Unicode 13.0. */
const NEWER_LOWER_CASE =
  /[\u1C89\u2C2F\uA7C0\uA7CB-\uA7DC\u{10570}-\u{10595}\u{10D50}-\u{10D65}\u{16EA0}-\u{16EB8}]/u;

describe('english', () => {
  it('removes possessives and stop words, lower-cases and stems', () => {
    expect(english.terms("The foxes' and the dog’s GENERALIZATIONS are not what they SEEM to be")).toEqual([
      'fox',
      'dog',
      'gener',
      'what',
      'seem',
    ]);
  });

  it("has Lucene's 33 stop words", () => {
    expect(ENGLISH_STOP_WORDS.size).toBe(33);
    expect(english.terms([...ENGLISH_STOP_WORDS].join(' '))).toEqual([]);
  });

  it("gives each term the place of its token, 's included", () => {
    expect(english.spans("a dog's day")).toEqual([
      { term: 'dog', start: 2, end: 7 },
      { term: 'dai', start: 8, end: 11 },
    ]);
  });

  it("gives Lucene's tokens, terms and places for our own hard texts and 1,500 random ones", () => {
    const lines = golden('texts.jsonl').trim().split('\n');
    expect(lines).toHaveLength(madeUpTexts.length + 1500);
    for (const line of lines) {
      const [text, tokens, terms, places] = JSON.parse(line) as [string, number[], string[], number[]];
      const spans = english.spans(text);
      expect([text, standardTokens(text), english.terms(text)]).toEqual([text, tokens, terms]);
      expect(spans.map(({ term }) => term)).toEqual(terms);
      expect(spans.flatMap(({ start, end }) => [start, end])).toEqual(places);
    }
  });

  it("gives Lucene's whole term stream for 100,000 random texts", () => {
    expect(digestsOf(nastyTexts(2, 100_000))).toEqual(digests['random']);
  });

  it('lower-cases every letter as Java does, save newer ones', () => {
    const { lower } = JSON.parse(golden('code-points.json')) as { lower: [number, number][] };
    const lowerCase = new Map(lower);
    const wrong: string[] = [];
    let letters = 0;
    for (let c = 128; c < 0x110000; c += c < 0x20000 ? 1 : 101) {
      const text = `q${String.fromCodePoint(c)}`;
      if (NEWER_LOWER_CASE.test(text) || standardTokens(text)[1] !== text.length) continue;
      letters++;
      const expected = `q${String.fromCodePoint(lowerCase.get(c) ?? c)}`;
      if (english.terms(text)[0] !== expected) wrong.push(c.toString(16));
    }
    expect(wrong).toEqual([]);
    expect(letters).toBeGreaterThan(20_000);
  });

  it('analyses two lines as it analyses each', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string(),
      fc.nat().map((n) => nastyTexts(n, 1)[0]!),
    );
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        expect(english.terms(`${a}\n${b}`)).toEqual([...english.terms(a), ...english.terms(b)]);
      }),
    );
  });
});

describe.skipIf(!sharedData)("english, on the shared data's texts", () => {
  it.each(collectionNames)("gives Lucene's whole term stream of %s", (name) => {
    expect(digestsOf(collectionTexts(sharedData!, name))).toEqual(digests[name]);
  });
});
