import { describe, expect, it } from 'vitest';
import { QuernError, type QuernErrorCode } from '../../errors.ts';
import { errorAnswer, isFault, StatusError } from './answer-error.ts';

const secret = 'http://inside:9200/v1';

describe('errorAnswer', () => {
  it.each([
    ['BAD_INPUT', 'items[0].query', 400],
    ['NOT_FOUND', 'index', 404],
    ['DENIED', 'authorization', 401],
    ['OVERLOADED', undefined, 429],
    ['ALREADY_EXISTS', 'name', 409],
    ['UNAVAILABLE', undefined, 503],
    ['ABORTED', undefined, 499],
  ] as const)('tells what a client did wrong: %s at %s', (code, where, status) => {
    const error = new QuernError(code, 'went wrong', { hint: 'Mend it', ...(where && { where }) });
    const { body, ...rest } = errorAnswer(error);
    expect(rest.status).toBe(status);
    expect(body.error).toMatchObject({ code, message: 'went wrong', hint: 'Mend it', param: where ?? null });
  });
  it.each([
    ['BAD_INPUT', 500],
    ['NOT_FOUND', 500],
    ['IO', 500],
    ['CORRUPT_FILE', 500],
    ['USAGE', 500],
    ['DENIED', 502],
    ['NETWORK', 502],
    ['BAD_REPLY', 502],
    ['OVERLOADED', 503],
    ['UNAVAILABLE', 503],
    ['TIMEOUT', 504],
    ['DISK_FULL', 507],
    ['LOCKED', 409],
  ] as const)('tells of a file or a server of its own that it failed, and not where: %s', (code, status) => {
    for (const where of [secret, '/srv/index/segment-1.quern', 'quern.yaml:3', 'openai:m@http://inside']) {
      const answer = errorAnswer(new QuernError(code, `no ${secret}`, { where, hint: `See ${secret}` }));
      expect(answer.status).toBe(status);
      expect(JSON.stringify(answer)).not.toMatch(/inside|srv|quern\.yaml/);
    }
  });
  it.each([
    'NETWORK',
    'IO',
    'CORRUPT_FILE',
    'BAD_REPLY',
    'TIMEOUT',
    'MISSING_PACKAGE',
    'OUT_OF_MEMORY',
  ] as const)('tells nothing of %s, wherever it was', (code: QuernErrorCode) => {
    const error = new QuernError(code, `no ${secret}`);
    expect(JSON.stringify(errorAnswer(error))).not.toContain('inside');
    expect(errorAnswer(error).status).toBeGreaterThanOrEqual(500);
  });
  it('tells nothing of a defect', () => {
    for (const error of [new Error(secret), new TypeError(secret), { statusCode: 500, message: secret }]) {
      expect(errorAnswer(error)).toMatchObject({ status: 500, body: { error: { code: 'INTERNAL' } } });
      expect(JSON.stringify(errorAnswer(error))).not.toContain('inside');
      expect(isFault(error)).toBe(true);
    }
  });
});

it('faults of the service are for its log, not what clients do or a shutdown', () => {
  expect(isFault(new QuernError('DENIED', 'no', { where: secret }))).toBe(true);
  expect(isFault(new QuernError('CORRUPT_FILE', 'no'))).toBe(true);
  expect(isFault(new QuernError('DENIED', 'no', { where: 'authorization' }))).toBe(false);
  expect(isFault(new StatusError(503, 'UNAVAILABLE', 'the service is shutting down'))).toBe(false);
});
