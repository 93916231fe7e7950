import { join } from 'node:path';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { goldenFile } from '../../test/golden-file.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { tinyToken, tinyWords, writeTinyOnnx } from '../../test/tiny-onnx-model.ts';
import { TokenEncoder } from './token-encoder.ts';
import { transformersPackage, type Tokenizer } from './transformers-package.ts';

interface CutPair {
  readonly texts: readonly [string, string];
  readonly length: number;
  readonly ids: readonly number[];
  readonly types: readonly number[];
}

const folder = join(temporaryFolder(), 'model');
let encoder: TokenEncoder;

beforeAll(async () => {
  writeTinyOnnx(folder);
  const { AutoTokenizer } = await transformersPackage();
  encoder = new TokenEncoder(await AutoTokenizer.from_pretrained(folder, { local_files_only: true }));
});

function ids(words: string): number[] {
  return words.split(' ').map(tinyToken);
}

describe('a pair of texts', () => {
  it("is cut as Hugging Face's tokenizers cut it", () => {
    const pairs = goldenFile<CutPair[]>('embeddings/cut-pairs.json');
    expect(pairs.length).toBeGreaterThan(150);
    for (const { texts, length, ids: expected, types } of pairs) {
      const pair = encoder.pair(...texts, length);
      expect({ texts, ids: [...pair.ids], types: [...pair.types] }).toEqual({ texts, ids: expected, types });
    }
  });
});

describe('a text', () => {
  it.each([
    ['a b c', 5, '[CLS] a b c [SEP]'],
    ['a b c', 4, '[CLS] a b [SEP]'],
    ['', 4, '[CLS] [SEP]'],
    ['the', 3, '[CLS] the [SEP]'],
  ])('%j of at most %i tokens is %j', (text, most, tokens) => {
    expect([...encoder.single(text, most).ids]).toEqual(ids(tokens));
  });

  it('that is far too long is cut as if it had been read to its end', () => {
    const word = fc.constantFrom(...tinyWords, 'x'.repeat(150), ' ', '\n\n', 'ü', '🗼');
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 300, maxLength: 600 }),
        fc.integer({ min: 3, max: 40 }),
        (words, most) => {
          const text = words.join(' ');
          const whole = encoder.single(text, 10_000).ids;
          expect([...encoder.single(text, most).ids]).toEqual([
            ...whole.slice(0, most - 1),
            tinyToken('[SEP]'),
          ]);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('of many megabytes costs no more than the part that is read', () => {
    const read: number[] = [];
    const counting = ((text: string) => {
      read.push(text.length);
      const tokens = text.split(' ').filter((word) => word !== '');
      return { input_ids: tokens.map(() => 7) };
    }) as Tokenizer;
    const counted = new TokenEncoder(counting).single('word '.repeat(2_000_000), 256);
    expect(counted.ids).toHaveLength(256);
    expect(Math.max(...read)).toBeLessThan(10_000);
  });

  it('begins with so many tokens of an instruction', () => {
    expect(encoder.prefixTokens('a b ')).toBe(3);
    expect(encoder.prefixTokens('')).toBe(0);
  });
});
