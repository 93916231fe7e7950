import { expect, it } from 'vitest';
import { firstError } from './llama-log.ts';

it('the first error is the one that the others follow from, without the names of functions', () => {
  const log = [
    '',
    "llama_model_load: error loading model: error loading model architecture: unknown model architecture: 'xyz'",
    'llama_model_load_from_file_impl: failed to load model',
  ];
  expect(firstError(log)).toBe("unknown model architecture: 'xyz'");
  expect(firstError(log.slice(2))).toBeUndefined();
  expect(firstError([])).toBeUndefined();
});

it('an error has no control characters and at most 200 characters', () => {
  expect(firstError(['a: b\u001b[31m  c\u0007d'])).toBe('b c d');
  expect(firstError(['x'.repeat(300)])).toHaveLength(200);
});
