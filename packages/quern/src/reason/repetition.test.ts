import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataPath, sharedData } from '../../test/shared-data.ts';
import { LoopSearch, type Loop } from './repetition.ts';

function loopIn(text: string): Loop | undefined {
  return new LoopSearch().in(text, { isWhole: true });
}

/** What is kept of a text. */
function kept(text: string): string {
  return text.slice(0, loopIn(text)?.end);
}

const head = 'Iron turns to rust where water and air come to it. ';
const sentence = 'The iron gives electrons to the oxygen of the air.';

describe('a text that goes round in circles', () => {
  it.each([
    ['a sentence', head, sentence, ' '],
    [
      'a paragraph',
      head,
      `${sentence} ${head}Salt makes it faster, and so does heat, but paint keeps it away.`,
      '\n\n',
    ],
    ['a word', `${head}It is `, 'very', ' '],
    ['a formula', head, '-120x = ax - 64x,', '\n'],
    ['a sentence without spaces', '铁遇到水和空气就会生锈。', '铁把电子交给空气中的氧。', ''],
  ])('is cut after the first copy of %s', (_, before, block, between) => {
    expect(kept(before + Array<string>(80).fill(block).join(between))).toBe(before + block);
  });

  it('is cut soon where it has no spaces', () => {
    expect(kept(head + 'ababcb'.repeat(400)).length).toBeLessThan(head.length + 128);
  });

  it('may number its items anew', () => {
    const items = Array.from({ length: 12 }, (_, at) => `${at + 1}. **Look** at what the question asks for.`);
    expect(kept(items.join('\n'))).toBe(items[0]);
  });

  it('says what came again, and how much of it', () => {
    expect(loopIn(head + `${sentence} `.repeat(20))).toMatchObject({ period: 10, repeated: 50 });
  });

  it('is found as soon as it is certain', () => {
    const text = head + `${sentence} `.repeat(1000);
    const { seen } = loopIn(text)!;
    expect(loopIn(text.slice(0, seen))).toBeDefined();
    expect(loopIn(text.slice(0, seen - 1))).toBeUndefined();
  });
});

describe('a text that repeats itself for a reason', () => {
  it.each([
    ['a refrain', `${sentence}\n`.repeat(3) + head],
    ['a matrix of zeros', '0 0 0 0 0 0 0 0\n'.repeat(8)],
    ['a sum of equal terms', '\\frac{1}{35} + '.repeat(7)],
    ['groups of equal terms', '(\\frac{1}{35} + \\frac{1}{35} + \\frac{1}{35}) + '.repeat(5)],
    ['a polymer', 'CF2=CF2 + CF2=CF2 + CF2=CF2 ... -> -CF2-CF2-CF2-CF2-CF2-CF2'],
    ['a table', Array.from({ length: 30 }, (_, at) => `| ${at} | ${at * at} | yes | no |`).join('\n')],
    [
      'steps',
      Array.from({ length: 30 }, (_, n) => `For n = ${n}: 5 × ${n} = ${5 * n} (not divisible by 8)`).join(
        '\n',
      ),
    ],
    ['times', Array.from({ length: 40 }, (_, at) => `'09:${10 + at}:00'`).join(', ')],
    [
      'a list',
      ['air', 'water', 'salt', 'heat', 'paint', 'zinc']
        .map((word, at) => `${at + 1}. Explain ${word}.`)
        .join('\n'),
    ],
  ])('is left whole: %s', (_, text) => {
    expect(loopIn(text)).toBeUndefined();
  });
});

describe('the search for a loop', () => {
  const word = fc.constantFrom('iron', 'Iron', 'rust', 'a', '1', '2.', '\n3. ', '铁', 'é', '𝐱', '. ', ' ');
  const text = fc
    .tuple(fc.array(word, { maxLength: 20 }), fc.array(word, { minLength: 1, maxLength: 8 }), fc.nat(80))
    .map(([before, block, times]) => before.join(' ') + block.join(' ').repeat(times));

  it('finds the same whatever the pieces that the text comes in', () => {
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 20 }), (whole, steps) => {
        const search = new LoopSearch();
        let length = 0;
        for (const step of steps) search.in(whole.slice(0, (length += step)));
        expect(search.in(whole, { isWhole: true })).toEqual(loopIn(whole));
      }),
      { numRuns: 1000 },
    );
  });

  it('cuts within the text, and what it keeps has no loop', () => {
    fc.assert(
      fc.property(text, (whole) => {
        const loop = loopIn(whole);
        fc.pre(loop !== undefined);
        expect(loop!.end).toBeLessThanOrEqual(loop!.seen);
        expect(loop!.seen).toBeLessThanOrEqual(whole.length);
        expect(loopIn(whole.slice(0, loop!.end))).toBeUndefined();
      }),
    );
  });

  it('compares a word with 500 others at most, and looks at each word once', () => {
    const words = Array.from({ length: 20_000 }, (_, at) => (at % 31 === 30 ? `w${at}` : 'so'));
    const whole = words.join(' ');
    const search = new LoopSearch();
    for (let length = 0; length < whole.length; length += 97) search.in(whole.slice(0, length));
    expect(search.in(whole, { isWhole: true })).toBeUndefined();
    expect(search.compared).toBeLessThanOrEqual(500 * (words.length + words.length / 31));
    const once = new LoopSearch();
    once.in(whole, { isWhole: true });
    expect(search.compared).toBe(once.compared);
  });
});

describe.skipIf(sharedData === undefined)('in the published reasoned queries', () => {
  it.each([
    ['bright/reasoned/TongSearch-QR-1.5B.json.gz', 1308, 1],
    ['bright/reasoned/TongSearch-QR-7B.json.gz', 1308, 0],
    ['textbooks/reasoned.json', 1240, 0],
  ])('of %s, there are as many loops as were looked at and found to be some', (name, count, loops) => {
    const bytes = readFileSync(dataPath(name));
    const json = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
    const texts = Object.values(JSON.parse(json) as Record<string, string>);
    expect(texts).toHaveLength(count);
    expect(texts.filter((text) => loopIn(text))).toHaveLength(loops);
  });
});
