import { expect, it } from 'vitest';
import { mostCompletionCharacters, reasonedQueryOf, withoutSpecialTokens } from './completion.ts';

it.each([
  ['Bread stales as starch turns back.', 'Bread stales as starch turns back.'],
  ['<think>What is asked?</think>\nStarch retrogradation.', 'Starch retrogradation.'],
  ['<think>x</think><answer> Starch retrogradation. </answer>', 'Starch retrogradation.'],
  ['x is asked\n</think>\n\nStarch.<|im_end|>\n<|endoftext|><|endoftext|>', 'Starch.'],
  ['<|im_start|>assistant\nStarch.<|im_end|>', 'Starch.'],
  ['<s>Starch.</s>', 'Starch.'],
  ['Starch.</s><pad><pad>', 'Starch.'],
  ['淀粉回生', '淀粉回生'],
])('reads the reasoned query of %j', (completion, text) => {
  expect(reasonedQueryOf(completion)).toEqual({ text });
});

it.each([
  ['', 'empty'],
  [' \n', 'empty'],
  ['<|im_end|>', 'empty'],
  ['<think>I wonder', 'no answer'],
  ['<think>I wonder</think>', 'no answer'],
  ['<think>I wonder</think><answer></answer>', 'no answer'],
  ['…!', 'no words'],
  ['a'.repeat(mostCompletionCharacters + 1), 'too long'],
])('says why %.20j has no reasoned query', (completion, failure) => {
  expect(reasonedQueryOf(completion)).toEqual({ failure });
});

it('leaves markup inside a text as it is', () => {
  const text = 'In HTML, <s>old</s> strikes through, and [PAD] is a token.';
  expect(withoutSpecialTokens(text)).toBe(text);
});

it('reads ten million characters of anything without an exception', () => {
  for (const piece of ['<think>', '</think>\n', '<answer>', '<pad>', ' ', '<|im_end|>']) {
    const long = piece.repeat(1e7 / piece.length);
    expect(reasonedQueryOf(long)).toEqual({ failure: 'too long' });
    expect(reasonedQueryOf(long.slice(0, 100_000)).text ?? '').toBeTypeOf('string');
  }
});
