import { describe, expect, it } from 'vitest';
import { reasonedQuery } from '../../test/reasoned-query.ts';
import { joinedReasoned } from './joined-reasoned.ts';
import type { ReasonedQuery } from './reasoner.ts';

function joined(...parts: Partial<ReasonedQuery>[]): ReasonedQuery {
  return joinedReasoned(
    'why',
    'join:all',
    parts.map((part) => reasonedQuery('why', part)),
  );
}

function euros(amount: number): Partial<ReasonedQuery> {
  return { cost: { amount, currency: 'EUR' } };
}

const failed = { text: '', finish: 'failed', failure: { code: 'NETWORK', message: 'gone' } } as const;
const skipped = { text: '', finish: 'skipped', promptTokens: 0, completionTokens: 0 } as const;
const learnt = { text: '', weights: new Map([['light', 1]]) };

describe('several reasoned queries as one', () => {
  it('have their texts one after the other, and sums of what they took', () => {
    const first = { text: 'one', promptTokens: 10, completionTokens: 3, milliseconds: 7, cached: true };
    const one = joined(first, failed, { ...first, text: 'two' });
    expect(one).toMatchObject({
      query: 'why',
      reasoner: 'join:all',
      text: 'one\n\ntwo',
      promptTokens: 10 + 70 + 10,
      completionTokens: 3 + 30 + 3,
      milliseconds: 7 + 1234 + 7,
      cached: true,
      finish: 'stop',
    });
    expect(one.failure).toBeUndefined();
    expect(one.parts).toHaveLength(3);
  });

  it('that are weights bring no blank lines into the text', () => {
    expect(joined(learnt, { text: 'one' }, learnt)).toMatchObject({ text: 'one', finish: 'stop' });
    expect(joined(learnt)).toMatchObject({ text: '', finish: 'stop' });
  });

  it.each([
    [['stop', 'stop'], 'stop'],
    [['stop', 'early'], 'early'],
    [['length', 'early'], 'length'],
  ] as const)('that end by %j end by %s', (finishes, finish) => {
    expect(joined(...finishes.map((each) => ({ finish: each }))).finish).toBe(finish);
  });

  it('failed where all did, and were skipped where none failed', () => {
    expect(joined(failed, skipped)).toMatchObject({ finish: 'failed', failure: failed.failure, text: '' });
    expect(joined(skipped, skipped)).toMatchObject({ finish: 'skipped', cached: false });
    expect(joined(skipped, {})).toMatchObject({ finish: 'stop' });
    // One that failed has a text of its own no more than one that was skipped: neither says how it ended.
    expect(joined(failed, { finish: 'early' }).finish).toBe('early');
  });

  it('come from the cache only where each with a text does', () => {
    expect(joined({ cached: true }, { cached: false }).cached).toBe(false);
    expect(joined({ cached: true }, failed).cached).toBe(true);
  });

  it('cost the sum where it is in one currency', () => {
    expect(joined(euros(1), {}, euros(0.5)).cost).toEqual({ amount: 1.5, currency: 'EUR' });
    expect(joined(euros(1), { cost: { amount: 1, currency: 'USD' } }).cost).toBeUndefined();
    expect(joined({}, {}).cost).toBeUndefined();
  });

  it('have the cuts of all', () => {
    const cut = { kind: 'repeated', why: 'circles', text: 'again' } as const;
    expect(joined({ cuts: [cut] }, {}, { cuts: [cut] }).cuts).toEqual([cut, cut]);
    expect('cuts' in joined({}, {})).toBe(false);
  });
});
