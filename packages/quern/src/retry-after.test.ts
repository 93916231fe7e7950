import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retryAfter } from './retry-after.ts';

describe('the wait', () => {
  const now = Date.parse('2026-11-26T08:00:00Z');

  it.each<[Record<string, string>, number | undefined]>([
    [{}, undefined],
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '1.5' }, 1500],
    [{ 'retry-after': 'Thu, 26 Nov 2026 08:00:09 GMT' }, 9000],
    [{ 'retry-after': 'Thursday, 26-Nov-26 08:00:09 GMT' }, 9000],
    [{ 'retry-after': 'Thu, 26 Nov 2026 07:00:00 GMT' }, 0],
    [{ 'retry-after': 'Thu, 99 Nov 2026 07:00:00 GMT' }, undefined],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': 'wait 7' }, undefined],
    [{ 'retry-after': '-7' }, undefined],
    [{ 'retry-after': '' }, undefined],
    [{ 'retry-after': '7, 8' }, undefined],
    [{ 'retry-after': 'Infinity' }, undefined],
    [{ 'retry-after-ms': '250' }, 250],
    [{ 'retry-after-ms': '250', 'retry-after': '7' }, 250],
    [{ 'retry-after-ms': 'soon', 'retry-after': '7' }, 7000],
  ])('that a server asks for by %j is %s ms', (headers, milliseconds) => {
    expect(retryAfter(new Headers(headers), now)).toBe(milliseconds);
  });

  it('that any header asks for is none or no negative number', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
        expect(retryAfter(new Headers({ 'retry-after': text }), now) ?? 0).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
