import { describe, expect, it } from 'vitest';
import { columnsOf, type Corpus } from '../../test/segment-columns.ts';
import { DenseCodes, denseCodesOf, denseTermsOf } from './dense-codes.ts';
import { rareCode } from './posting-codes.ts';
import { blockSize } from './search-memory.ts';

const documents = 2 * blockSize + 3;

/** Terms that every, every second, … document has; the frequencies and lengths vary. */
function corpusOf(steps: readonly number[]): Corpus {
  return {
    lengths: Uint32Array.from({ length: documents }, (_, i) => 30 + (i % 7)),
    postings: steps.map((step) => {
      const list = Array.from({ length: Math.ceil(documents / step) }, (_, i) => i * step);
      return { documents: list, frequencies: list.map((document) => 1 + (document % 5)) };
    }),
    isRare: (frequency, length) => frequency === 5 && length === 30,
    deleted: [],
    places: Uint32Array.from({ length: documents }, (_, i) => i),
  };
}

describe('codes by document', () => {
  it('are those of the postings of terms that a third of the documents have', () => {
    const columns = columnsOf(corpusOf([5, 1, 4, 3, 2, 100, 1, 1, 1]));
    expect([...columns.denseTerms]).toEqual([1, 3, 4, 6, 7, 8]);
    new DenseCodes(columns).layOut(Uint32Array.of(0, 3, 4));
    expect([0, 1, 2].map((term) => denseCodesOf(columns, term))).toEqual([0, 0, 0]);
    for (const term of [3, 4]) {
      const address = denseCodesOf(columns, term);
      expect(address).toBeGreaterThan(0);
      const byDocument = new Uint16Array(columns.memory.buffer, address, documents);
      const expected = new Uint16Array(documents).fill(rareCode);
      for (let i = columns.offsets[term]; i < columns.offsets[term + 1]; i++) {
        expected[columns.documents[i]] = columns.codes[i];
      }
      expect(byDocument).toEqual(expected);
    }
  });

  it('take no more than a quarter of what the postings take, and are laid out once', () => {
    const columns = columnsOf(corpusOf([1, 1, 3, 3, 3, 3, 3, 3]));
    const codes = new DenseCodes(columns);
    const before = columns.memory.buffer.byteLength;
    const all = Uint32Array.from(columns.denseTerms);
    codes.layOut(all);
    const addresses = [...columns.denseCodes];
    const laidOut = addresses.filter((address) => address > 0);
    const bytes = 2 * documents;
    const most = (6 * columns.documents.length) / 4;
    expect(laidOut.length * bytes).toBeLessThanOrEqual(most);
    expect((laidOut.length + 1) * bytes).toBeGreaterThan(most);
    expect(new Set(laidOut).size).toBe(laidOut.length);
    const size = columns.memory.buffer.byteLength;
    // Whole pages are added.
    expect(size - before).toBeLessThanOrEqual(most + laidOut.length * 2 ** 16);
    codes.layOut(all);
    expect([...columns.denseCodes]).toEqual(addresses);
    expect(columns.memory.buffer.byteLength).toBe(size);
  });

  it('share memory that is asked for once for several of them', () => {
    const columns = columnsOf(corpusOf(Array<number>(24).fill(1)));
    const before = columns.memory.buffer.byteLength;
    new DenseCodes(columns).layOut(columns.denseTerms);
    const laidOut = columns.denseCodes.filter((address) => address > 0).length;
    expect(laidOut).toBeGreaterThan(7);
    expect(columns.memory.buffer.byteLength - before).toBeLessThan(
      laidOut * (2 * documents + 8) + 4 * 2 ** 16,
    );
  });

  it('are left out where there is no memory for them', () => {
    const columns = columnsOf(corpusOf(Array<number>(24).fill(1)));
    for (let pages = 4096; pages >= 1; pages /= 2) {
      for (;;) {
        try {
          columns.memory.grow(pages);
        } catch {
          break;
        }
      }
    }
    new DenseCodes(columns).layOut(columns.denseTerms);
    expect(columns.denseCodes.every((address) => address === 0)).toBe(true);
  });

  it('are not made in a segment of one block', () => {
    expect(denseTermsOf(Uint32Array.of(0, blockSize), blockSize)).toEqual([]);
    expect(denseTermsOf(Uint32Array.of(0, blockSize + 1), blockSize + 1)).toEqual([0]);
  });
});
