import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExhaustiveSearch, type QueryTerm } from './exhaustive-search.ts';
import { Impacts, type PostingColumns } from './postings.ts';
import { TopDocuments } from './top-documents.ts';

const documentsInAll = 70_000; // three blocks

/** Columns of terms which each have the documents `documentsOf(term)`, with frequencies that vary. */
function columnsOf(postings: readonly (readonly number[])[]): PostingColumns {
  const offsets = Uint32Array.of(0, ...postings.map((_, i) => postings.slice(0, i + 1).flat().length));
  const documents = Int32Array.from(postings.flat());
  return {
    offsets,
    documents,
    frequencies: Uint8Array.from(documents, (document) => 1 + (document % 5)),
    lengths: Uint32Array.from({ length: documentsInAll }, (_, i) => 1 + (i % 37)),
  };
}

const places = Uint32Array.from({ length: documentsInAll }, (_, i) => i);

function search(columns: PostingColumns, terms: readonly QueryTerm[], excluded: readonly number[]) {
  const impacts = new Impacts(
    columns,
    { documentsWithTerms: documentsInAll, averageLength: 19 },
    { k1: 0.9, b: 0.4 },
  );
  const top = new TopDocuments(documentsInAll, places, places);
  const searching = new ExhaustiveSearch(columns, impacts);
  // Twice, as the sums are used again.
  searching.run(terms, [], new TopDocuments(documentsInAll, places, places));
  const read = searching.run(terms, excluded, top);
  const { documents, scores } = top.take();
  const naive = new Map<number, number>();
  for (const { term, weight } of terms) {
    for (let i = columns.offsets[term]; i < columns.offsets[term + 1]; i++) {
      const document = columns.documents[i];
      naive.set(document, (naive.get(document) ?? 0) + weight * impacts.weights[i]);
    }
  }
  for (const document of excluded) naive.delete(document);
  const found = new Map(Array.from(documents, (document, i) => [document, scores[i]]));
  return {
    read,
    found,
    naive: new Map(Array.from(naive, ([document, sum]) => [document, Math.fround(sum)])),
  };
}

// Documents at the edges of blocks, and runs of every small length.
const document = fc.oneof(
  fc.nat(documentsInAll - 1),
  fc.constantFrom(0, 32_767, 32_768, 32_769, 65_535, 65_536, documentsInAll - 1),
  { weight: 4, arbitrary: fc.nat(40) },
);
const postings = fc
  .uniqueArray(document, { maxLength: 60, size: '+1' })
  .map((list) => list.sort((a, b) => a - b));

describe('exhaustive search', () => {
  it('gives every document of the terms its sum, across blocks, and reads each posting once', () => {
    fc.assert(
      fc.property(
        fc.array(postings, { minLength: 2, maxLength: 8 }),
        fc.array(document),
        (lists, excluded) => {
          const columns = columnsOf(lists);
          const terms = lists.map((_, term) => ({ term, weight: 0.3 + term }));
          const { read, found, naive } = search(columns, terms, excluded);
          expect(found).toEqual(naive);
          expect(read).toBe(lists.flat().length);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('reads nothing of the terms that are not asked for', () => {
    const columns = columnsOf([[1, 2, 3], [2, 40_000], [5]]);
    const { read, found, naive } = search(columns, [{ term: 1, weight: 2 }], []);
    expect(read).toBe(2);
    expect([...found.keys()].sort()).toEqual([2, 40_000]);
    expect(found).toEqual(naive);
  });
});
