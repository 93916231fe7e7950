import { LibTorchError } from '@quern/libtorch/setup';
import { expect, it } from 'vitest';
import { quernError } from './torch-error.ts';

it.each([
  ['NOT_BUILT', 'MISSING_PACKAGE', 'Run quern setup torch'],
  ['SETUP', 'MISSING_PACKAGE', 'a hint'],
  ['WRONG_VERSION', 'WRONG_VERSION', 'a hint'],
  ['OUT_OF_MEMORY', 'OUT_OF_MEMORY', 'a hint'],
  ['NO_DEVICE', 'UNSUPPORTED', 'a hint'],
  ['ABORTED', 'ABORTED', 'a hint'],
  ['TORCH', 'BAD_INPUT', 'a hint'],
] as const)('%s of LibTorch is %s', (code, wanted, hint) => {
  const error = new LibTorchError(code, 'what it was', { hint: 'a hint' });
  expect(quernError(error)).toMatchObject({
    name: 'QuernError',
    code: wanted,
    message: `what it was. ${hint}`,
    cause: error,
  });
  expect(quernError(new LibTorchError(code, 'what it was'))).toMatchObject({ what: 'what it was' });
});

it('leaves other errors as they are', () => {
  const error = new TypeError('a defect');
  expect(quernError(error)).toBe(error);
});
