import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_TOKEN_LENGTH, standardTokens } from './standard-tokenizer.ts';

/**
 * All code points that the tokenizer treats otherwise than Lucene 9.9 does, in hexadecimal. Unicode assigned every one
 * of them in versions 13.0 to 17.0; Lucene's data is that of 12.1, where they are no characters.
 */
const NEWER_THAN_LUCENE =
  '870-887 889-891 897-89f 8b5 8be-8d2 b55 c3c c5c-c5d cdc-cdd cf3 d04 d81 ece 170d 1715 171f 180f ' +
  '1abf-1add 1ae0-1aeb 1b4c 1c89-1c8a 1dfa 2c2f 2c5f 31bb-31bf 4db6-4dbf 9ff0-9fff a7c0-a7c1 ' +
  'a7c7-a7dc a7f1-a7f6 a82c ab68-ab69 10570-1057a 1057c-1058a 1058c-10592 10594-10595 10597-105a1 ' +
  '105a3-105b1 105b3-105b9 105bb-105bc 105c0-105f3 10780-10785 10787-107b0 107b2-107ba 10940-10959 ' +
  '10d40-10d65 10d69-10d6d 10d6f-10d85 10e80-10ea9 10eab-10eac 10eb0-10eb1 10ec2-10ec7 10efa-10eff ' +
  '10f70-10f85 10fb0-10fc4 11070-11075 110c2 11147 111ce-111cf 1123f-11241 11380-11389 1138b 1138e ' +
  '11390-113b5 113b7-113c0 113c2 113c5 113c7-113ca 113cc-113d3 113e1-113e2 11460-11461 116d0-116e3 ' +
  '11740-11746 11900-11906 11909 1190c-11913 11915-11916 11918-11935 11937-11938 1193b-11943 ' +
  '11950-11959 11ab0-11abf 11b60-11b67 11bc0-11be0 11bf0-11bf9 11db0-11ddb 11de0-11de9 11f00-11f10 ' +
  '11f12-11f3a 11f3e-11f42 11f50-11f5a 11fb0 12f90-12ff0 1342f 13439-13455 13460-143fa 16100-16139 ' +
  '16a70-16abe 16ac0-16ac9 16d40-16d6c 16d70-16d79 16ea0-16eb8 16ebb-16ed3 16fe4 16ff0-16ff6 ' +
  '1aff0-1aff3 1aff5-1affb 1affd-1affe 1b11f-1b122 1b132 1b155 1ccf0-1ccf9 1cf00-1cf2d 1cf30-1cf46 ' +
  '1df00-1df1e 1df25-1df2a 1e030-1e06d 1e08f 1e290-1e2ae 1e4d0-1e4f9 1e5d0-1e5fa 1e6c0-1e6de ' +
  '1e6e0-1e6f5 1e6fe-1e6ff 1e7e0-1e7e6 1e7e8-1e7eb 1e7ed-1e7ee 1e7f0-1e7fe 1f10d-1f10f 1f16d-1f16f ' +
  '1f1ad 1f774-1f77f 1f7d9 1f8b0-1f8bb 1f8c0-1f8c1 1f8d0-1f8d8 1fa54-1fa57 1fb00-1fb92 1fb94-1fbfa ' +
  '2a6d7-2a6df 2b735-2b73f 2cea2-2cead 2ebf0-2ee5d 30000-3134a 31350-33479';

interface CodePoints {
  /** The text that each code point was tried in, in the place of every `@`. */
  readonly probes: string;
  /** The different results: start and end of Lucene's tokens. */
  readonly outcomes: readonly (readonly number[])[];
  /** First code point and outcome of each run. */
  readonly runs: readonly (readonly [first: number, outcome: number])[];
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  const places = standardTokens(text);
  for (let i = 0; i < places.length; i += 2) tokens.push(text.slice(places[i], places[i + 1]));
  return tokens;
}

function lengthsOf(text: string): number[] {
  return tokensOf(text).map((token) => token.length);
}

/** Every code point where characters are, and one of 101 in the planes that are empty or private. */
function* codePoints(): Iterable<number> {
  for (let c = 0; c < 0x110000; c += c < 0x40000 || (c >= 0xe0000 && c < 0xe1000) ? 1 : 101) yield c;
}

describe('standardTokens', () => {
  it('keeps words, numbers and emoji, and drops the rest', () => {
    expect(tokensOf("Ada's 3.14, _x_ — 👩🏽‍💻 (a.b)")).toEqual(["Ada's", '3.14', '_x_', '👩🏽‍💻', 'a.b']);
  });

  it('cuts ideographs and hiragana one by one, and keeps katakana, Hangul and Thai in runs', () => {
    expect(tokensOf('東京タワーです 한국어 ภาษาไทย')).toEqual([
      '東',
      '京',
      'タワー',
      'で',
      'す',
      '한국어',
      'ภาษาไทย',
    ]);
  });

  it('cuts a token after 255 units, or before the pair that would be halved', () => {
    expect(lengthsOf('a'.repeat(MAX_TOKEN_LENGTH))).toEqual([255]);
    expect(lengthsOf('a'.repeat(600))).toEqual([255, 255, 90]);
    expect(lengthsOf('a'.repeat(254) + '𐐀b')).toEqual([254, 3]);
    expect(lengthsOf('a'.repeat(254) + "'s")).toEqual([254, 1]);
  });

  it('skips a surrogate without its partner, also at the end', () => {
    expect(tokensOf('\uD83Dab\uDE00 c\uD83D')).toEqual(['ab', 'c']);
  });

  it('treats every code point as Lucene does, save those that are newer than its data', () => {
    const golden = new URL('../../test/golden/lucene-english/code-points.json', import.meta.url);
    const { probes, outcomes, runs } = JSON.parse(readFileSync(golden, 'utf8')) as CodePoints;
    const expected = outcomes.map((places) => places.join());
    const newer = new Set<number>();
    for (const run of NEWER_THAN_LUCENE.split(' ')) {
      const [first, last = first] = run.split('-').map((hex) => parseInt(hex, 16));
      for (let c = first!; c <= last!; c++) newer.add(c);
    }
    expect(newer.size).toBe(20_105);

    const wrong: string[] = [];
    let run = 0;
    for (const c of codePoints()) {
      while (run + 1 < runs.length && runs[run + 1]![0] <= c) run++;
      const places = standardTokens(probes.replaceAll('@', String.fromCodePoint(c))).join();
      if ((places === expected[runs[run]![1]]) === newer.has(c)) wrong.push(c.toString(16));
    }
    expect(wrong).toEqual([]);
  });

  it('gives ascending places inside the text, none empty and none too long', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        let last = 0;
        const places = standardTokens(text);
        for (let i = 0; i < places.length; i += 2) {
          const [start, end] = [places[i]!, places[i + 1]!];
          expect(start >= last && end > start && end <= text.length && end - start <= MAX_TOKEN_LENGTH).toBe(
            true,
          );
          last = end;
        }
      }),
    );
  });
});
