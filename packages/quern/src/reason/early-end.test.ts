import { describe, expect, it } from 'vitest';
import { reasonedQuery } from '../../test/reasoned-query.ts';
import { endedEarly } from './early-end.ts';
import type { Enough } from './reasoner.ts';

function after(length: number): Enough {
  return (text) => (text.length >= length ? { length, why: 'long enough' } : undefined);
}

describe('a text that is there as a whole', () => {
  const reasoned = reasonedQuery('why', { text: 'first second third' });

  it('ends where it is enough, and says so', async () => {
    expect(await endedEarly(reasoned, after(5))).toEqual({ ...reasoned, text: 'first', finish: 'early' });
  });

  it('is all there is where nothing says when it is enough, or only at its end or after it', async () => {
    for (const enough of [undefined, after(18), after(19), async () => ({ length: 100, why: 'odd' })]) {
      expect(await endedEarly(reasoned, enough)).toBe(reasoned);
    }
  });

  it('that failed has nothing to end', async () => {
    const failed = reasonedQuery('why', { text: '', finish: 'failed' });
    expect(await endedEarly(failed, () => ({ length: 0, why: 'at once' }))).toBe(failed);
  });
});
