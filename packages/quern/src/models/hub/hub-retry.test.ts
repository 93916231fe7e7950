import { assert, integer, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Attempts, PassingFailure, retryPause } from './hub-retry.ts';

describe('the pause before another attempt', () => {
  it('doubles, half of it by chance, up to thirty times the first', () => {
    expect([1, 2, 3, 4].map((failures) => retryPause(failures, 1000, 0, 1))).toEqual([
      1000, 2000, 4000, 8000,
    ]);
    expect([1, 2, 3, 4].map((failures) => retryPause(failures, 1000, 0, 0))).toEqual([500, 1000, 2000, 4000]);
    expect(retryPause(1000, 1000, 0, 1)).toBe(30_000);
  });

  it('is never shorter than the server asks for, nor less than half of what it may be', () => {
    assert(
      property(integer({ min: 1, max: 2000 }), nat(100_000), nat(100_000), (failures, first, asked) => {
        const pause = retryPause(failures, first, asked);
        expect(pause).toBeGreaterThanOrEqual(asked);
        expect(pause).toBeGreaterThanOrEqual(first / 2);
        expect(pause).toBeLessThanOrEqual(Math.max(30 * first, asked));
      }),
    );
  });
});

describe('attempts', () => {
  it('end after so many failures in a row, and count anew after progress', async () => {
    const attempts = new Attempts(3, 0);
    const failure = new PassingFailure('it broke off');
    for (let i = 0; i < 5; i++) {
      await attempts.failed(failure, 'here');
      await attempts.failed(failure, 'here');
      attempts.progressed();
    }
    await attempts.failed(failure, 'here');
    await attempts.failed(failure, 'here');
    await expect(attempts.failed(failure, 'here')).rejects.toMatchObject({
      code: 'NETWORK',
      what: 'it broke off',
      where: 'here',
    });
  });

  it('end at once where more than ten minutes are asked for, or a failure does not pass', async () => {
    const long = new PassingFailure('too many', { retryAfter: 600_001 });
    await expect(new Attempts(3, 0).failed(long, 'here')).rejects.toMatchObject({ code: 'NETWORK' });
    const defect = new RangeError('a defect');
    await expect(new Attempts(3, 0).failed(defect, 'here')).rejects.toBe(defect);
  });

  it('are stopped while they wait', async () => {
    const controller = new AbortController();
    const waiting = new Attempts(3, 1e6, controller.signal).failed(new PassingFailure('x'), 'here');
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
