import { expect, it } from 'vitest';
import { LocatedWeights } from './located-weights.ts';
import { segmentTerms } from './query-terms.ts';
import type { TermLookup } from './term-statistics.ts';

/** What an index of one segment, which has the terms, would say of them. */
function lookupOf(terms: readonly string[]): TermLookup {
  const of = (term: string) => ({ numbers: [terms.indexOf(term)], documentFrequency: 1, idf: 2 });
  return { of } as unknown as TermLookup;
}

const weights = new Map([['oak', 1], ['elm', 3]]); // prettier-ignore

it('reads like the map that it was made of', () => {
  const located = new LocatedWeights(weights, lookupOf([]), []);
  expect([...located]).toEqual([...weights]);
  expect([...located.entries()]).toEqual([...weights]);
  expect([...located.keys()]).toEqual(['oak', 'elm']);
  expect([...located.values()]).toEqual([1, 3]);
  expect([located.size, located.get('elm'), located.get('ash')]).toEqual([2, 3, undefined]);
  expect([located.has('oak'), located.has('ash')]).toEqual([true, false]);
  const seen: unknown[] = [];
  located.forEach((weight, term, all) => seen.push([term, weight, all === located]));
  expect(seen).toEqual([['oak', 1, true], ['elm', 3, true]]); // prettier-ignore
});

it('are looked up where they were not, and only there', () => {
  const [mine, other] = [lookupOf(['elm', 'oak']), lookupOf(['oak'])];
  const found = segmentTerms(weights, mine, 1);
  expect(found).toEqual([{ numbers: Uint32Array.of(0, 1), weights: Float64Array.of(6, 2) }]);
  const located = new LocatedWeights(weights, mine, found);
  expect(segmentTerms(located, mine, 1)).toBe(found);
  expect(located.segmentsOf(other)).toBeUndefined();
  expect(segmentTerms(located, other, 1)).toEqual([
    { numbers: Uint32Array.of(0), weights: Float64Array.of(2) },
  ]);
});
