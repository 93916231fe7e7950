import { expect, it } from 'vitest';
import { numbersOf } from './logged-numbers.ts';

it('keeps the finite numbers of an object under plain names', () => {
  const text =
    '{"step": 3, "rewards/lexical/mean": -0.5, "name": "x", "flag": true, "deep": {"a": 1}, "a b": 2, "": 4}';
  expect(numbersOf(text)).toEqual({ step: 3, 'rewards/lexical/mean': -0.5 });
});

it.each(['', 'no JSON', '3', 'null', '[1]', '{"a": NaN}', '"{"'])('tells nothing of %j', (text) => {
  expect(numbersOf(text)).toBeUndefined();
});

it('takes no name that objects are made of for more than a name', () => {
  const numbers = numbersOf('{"__proto__": 1, "constructor": 2, "loss": 1e999}')!;
  expect(Object.getPrototypeOf(numbers)).toBe(Object.prototype);
  expect(Object.entries(numbers)).toEqual([
    ['__proto__', 1],
    ['constructor', 2],
  ]);
});
