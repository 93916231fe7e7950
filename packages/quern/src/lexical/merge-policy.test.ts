import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mostDeleted, segmentsPerTier, segmentsToMerge, type SegmentSize } from './merge-policy.ts';

function segments(...postings: readonly number[]): SegmentSize[] {
  return postings.map((count) => ({ documents: 100, deleted: 0, postings: count }));
}

describe('segmentsToMerge', () => {
  it('leaves segments alone while a tier has fewer than eight', () => {
    expect(segmentsToMerge([])).toBeUndefined();
    expect(segmentsToMerge(segments(1, 2, 3, 4, 5, 6, 7))).toBeUndefined();
    expect(segmentsToMerge(segments(1, 2, 3, 4, 5, 6, 7, 1e8))).toBeUndefined();
  });

  it('merges all of a tier that has eight, and no other', () => {
    expect(segmentsToMerge(segments(1, 1e8, 2, 3, 4, 5, 6, 7, 8))).toEqual([0, 2, 3, 4, 5, 6, 7, 8]);
    expect(segmentsToMerge(segments(...Array.from({ length: 8 }, () => 1e7)))).toHaveLength(8);
  });

  it('merges the smallest that fit, where all together would be too many', () => {
    expect(segmentsToMerge(segments(50, 40, 30, 20, 10, 60, 70, 80), 100)).toEqual([1, 2, 3, 4]);
    expect(segmentsToMerge(segments(60, 60, 60, 60, 60, 60, 60, 60), 100)).toBeUndefined();
  });

  it('rewrites a segment of which more than three tenths are deleted', () => {
    const wasteful = { documents: 100, deleted: 31, postings: 7e8 };
    expect(segmentsToMerge([...segments(1, 2), wasteful])).toEqual([2]);
    expect(segmentsToMerge([...segments(1, 2), { ...wasteful, deleted: 30 }])).toBeUndefined();
  });

  it('comes to an end, within the limit, and with few segments left', () => {
    const size = fc.record({
      documents: fc.integer({ min: 1, max: 1000 }),
      deleted: fc.integer({ min: 0, max: 1000 }),
      postings: fc.integer({ min: 0, max: 5e7 }),
    });
    const most = 1e8;
    fc.assert(
      fc.property(fc.array(size, { maxLength: 200 }), (sizes) => {
        let all: SegmentSize[] = sizes.map((each) => ({
          ...each,
          deleted: Math.min(each.deleted, each.documents),
        }));
        let merges = 0;
        for (let places = segmentsToMerge(all, most); places; places = segmentsToMerge(all, most)) {
          const chosen = places.map((place) => all[place]);
          const merged = { documents: 0, deleted: 0, postings: 0 };
          for (const { documents, deleted, postings } of chosen) {
            merged.documents += documents - deleted;
            merged.postings += postings;
          }
          expect(merged.postings).toBeLessThanOrEqual(most);
          all = [...all.filter((each) => !chosen.includes(each)), merged];
          merges++;
        }
        expect(merges).toBeLessThanOrEqual(2 * sizes.length);
        expect(all.every(({ documents, deleted }) => deleted <= mostDeleted * documents)).toBe(true);
        const small = all.filter(({ postings }) => postings < 1e6);
        expect(small.length).toBeLessThan(3 * segmentsPerTier);
      }),
    );
  });
});
