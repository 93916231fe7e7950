import { describe, expect, it } from 'vitest';
import { plannedSegment } from './search-plan.ts';

const search = { k: 10, documents: 1_000_000, terms: 100, postings: 10_000_000 };

describe('planning a search', () => {
  it('prunes where few hits are to be found among many documents, and says why', () => {
    expect(plannedSegment(search)).toEqual({
      path: 'pruned',
      reason: 'few hits among many documents',
      documents: 1_000_000,
      terms: 100,
      postings: 10_000_000,
    });
    expect(plannedSegment({ ...search, k: 2500 }).path).toBe('pruned');
    expect(plannedSegment({ ...search, documents: 15_000 }).path).toBe('pruned');
  });

  it('adds everything up where there is little to leave out', () => {
    expect(plannedSegment({ ...search, k: 2501 }).reason).toMatch(/fewer than 400 documents a hit/);
    expect(plannedSegment({ ...search, documents: 14_999 }).reason).toMatch(
      /fewer than 1500 documents a hit/,
    );
    expect(plannedSegment({ ...search, postings: 249_999 }).reason).toMatch(/few postings/);
    for (const part of [{ k: 2501 }, { documents: 14_999 }, { postings: 249_999 }]) {
      expect(plannedSegment({ ...search, ...part }).path).toBe('exhaustive');
    }
  });

  it('takes the path that it is told to', () => {
    expect(plannedSegment({ ...search, documents: 5 }, 'pruned').path).toBe('pruned');
    expect(plannedSegment(search, 'exhaustive')).toMatchObject({ path: 'exhaustive', reason: 'asked for' });
  });
});
