import { describe, expect, it } from 'vitest';
import { QuernError, type QuernErrorCode } from '../../errors.ts';
import { publicError } from './public-error.ts';

const address = 'openai:model@http://10.0.0.7:8000/v1';
const part = { what: 'the index notes', names: [[`dense:${address}`, 'vectors'] as const] };

function told(code: QuernErrorCode, what: string, where?: string): unknown {
  return publicError(new QuernError(code, what, { ...(where !== undefined && { where }) }), part);
}

function hintOf(hint: string): string | undefined {
  return (publicError(new QuernError('USAGE', 'no such thing', { hint }), part) as QuernError).hint;
}

describe('an error of a part of the service', () => {
  it.each([
    'NOT_FOUND',
    'ALREADY_EXISTS',
    'LOCKED',
    'NETWORK',
    'UNAVAILABLE',
    'DENIED',
    'BAD_REPLY',
  ] as const)('that is %s behind it is not available, with the reason as cause alone', (code) => {
    const error = told(code, `the server answers`, address) as QuernError;
    expect([error.code, error.what, error.where, error.hint]).toEqual([
      'UNAVAILABLE',
      'the index notes is not available',
      undefined,
      undefined,
    ]);
    expect((error.cause as QuernError).where).toBe(address);
  });

  it('keeps its advice, unless that may name a place', () => {
    expect(hintOf('Take another combination')).toBe('Take another combination');
    expect(hintOf('Remove /srv/notes.index/lock')).toBeUndefined();
  });

  it.each(['USAGE', 'BAD_INPUT', 'ANALYZER_MISMATCH'] as const)(
    'that is %s is told by the names that requests know',
    (code) => {
      const error = told(code, `key terms need weights, which dense:${address} does not have`) as QuernError;
      expect([error.code, error.message]).toEqual([
        'BAD_INPUT',
        'key terms need weights, which vectors does not have',
      ]);
    },
  );

  it('is told without its own words where an address or a path would be left in them', () => {
    for (const secret of [address, '/srv/notes.index', String.raw`C:\notes`]) {
      const error = told('USAGE', `${secret} cannot be shown passages`) as QuernError;
      expect(error.message).toBe('the index notes cannot do what is asked');
    }
  });

  it('of a queue of the service stays as it is, and of a cluster names no place', () => {
    const own = new QuernError('OVERLOADED', 'too many searches', { hint: 'Try again in about 2 s' });
    expect(publicError(own, part)).toBe(own);
    const error = told('OVERLOADED', 'the cluster takes no more', address) as QuernError;
    expect([error.code, error.message]).toEqual(['OVERLOADED', 'the index notes takes no more for now']);
  });

  it('that is answered without words of its own, or is none of ours, stays as it is', () => {
    for (const code of [
      'ABORTED',
      'TIMEOUT',
      'DISK_FULL',
      'MISSING_PACKAGE',
      'CORRUPT_FILE',
      'IO',
    ] as const) {
      const error = new QuernError(code, address);
      expect(publicError(error, part)).toBe(error);
    }
    const defect = new TypeError('x is undefined');
    expect(publicError(defect, part)).toBe(defect);
  });
});
