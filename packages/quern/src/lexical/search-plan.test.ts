import { describe, expect, it } from 'vitest';
import { plannedSegment } from './search-plan.ts';

const large = { k: 10, documents: 1_000_000, terms: 50, postings: 7_000_000 };

describe('the plan of a search', () => {
  it('prunes where few hits are to be found among many documents', () => {
    expect(plannedSegment(large)).toMatchObject({ path: 'pruned', documents: 1_000_000, terms: 50 });
    expect(plannedSegment({ ...large, k: 2000 }).path).toBe('pruned');
  });

  it('reads everything where there are many hits, few documents or few postings, and says why', () => {
    const plans = [{ k: 2001 }, { documents: 100_000 }, { postings: 1000 }].map((change) =>
      plannedSegment({ ...large, ...change }),
    );
    expect(plans.map(({ path }) => path)).toEqual(['exhaustive', 'exhaustive', 'exhaustive']);
    expect(new Set(plans.map(({ reason }) => reason)).size).toBe(3);
  });

  it('takes the path that is asked for', () => {
    expect(plannedSegment(large, 'exhaustive')).toMatchObject({ path: 'exhaustive', reason: 'asked for' });
  });
});
