import { expect, it } from 'vitest';
import { promptOfBeginning } from './validation.ts';

/** A prompt of three tokens, one a letter, and two. */
const prompts = { inference: (text: string) => [1, 2, 3, ...Array.from(text, () => 9), 4, 5] };

it.each([
  ['', 10, 0],
  ['short', 10, 5],
  ['longer', 10, 5],
  ['😀😀😀😀😀😀', 8, 3],
  ['any', 5, 0],
  // Nothing of the question fits: the prompt of none.
  ['any', 4, 0],
])('asks for as much of %j as makes a prompt of at most %d tokens', (text, most, letters) => {
  const found = promptOfBeginning(prompts as never, text, most);
  expect(found).toEqual(prompts.inference(Array.from(text).slice(0, letters).join('')));
});
