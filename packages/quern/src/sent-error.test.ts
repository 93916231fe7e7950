import { expect, it } from 'vitest';
import { QuernError } from './errors.ts';
import { receivedError, sentError } from './sent-error.ts';

it('brings a QuernError from a thread as it was', () => {
  const error = new QuernError('IO', 'a search needs more memory', { where: 'here', hint: 'Free memory' });
  const received = receivedError(structuredClone(sentError(error)), 'searching');
  expect(received).toBeInstanceOf(QuernError);
  expect(received).toMatchObject({ ...error, message: error.message });
});

it('brings the stack of a defect', () => {
  const error = new TypeError('x is not a function');
  const received = receivedError(structuredClone(sentError(error)), 'searching');
  expect(received).not.toBeInstanceOf(QuernError);
  expect(received.message).toContain(`searching failed: ${error.stack}`);
  expect(receivedError(sentError('text'), 'merging').message).toBe('merging failed: text');
});
