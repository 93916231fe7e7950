import { lowerBound } from './lower-bound.ts';
import { rareCode } from './posting-codes.ts';
import type { SearchColumns } from './search-columns.ts';
import { blockSize } from './search-memory.ts';
import { grown, roomLeft } from './segment-memory.ts';

/*
 * Codes by document. A term that a third of the documents have is cheaper to add up document by document, in their order,
 * than posting by posting, and a document is found in it without a search. So when such a term is first asked for, its
 * codes are laid out by document: 2 bytes each, beside its postings of 6. A document without the term has the rare code,
 * whose saturation is 0. In a segment of one block nothing is gained.
 */

/** One in so many documents has a dense term. */
const documentsPerPosting = 3;
/** What all laid-out codes may take, by what the postings do, and of the memory that may be added. */
const shareOfPostings = 1 / 4;
const shareOfRoom = 1 / 2;
const postingBytes = 6;
const slabBytes = 1 << 20;

/** The numbers of the terms whose postings, which `offsets` tell, are dense among so many documents. */
export function denseTermsOf(offsets: Uint32Array, documents: number): number[] {
  const terms: number[] = [];
  if (documents <= blockSize) return terms;
  for (let term = 0; term + 1 < offsets.length; term++) {
    if ((offsets[term + 1] - offsets[term]) * documentsPerPosting >= documents) terms.push(term);
  }
  return terms;
}

/** Where the code of document 0 of `term` lies; 0 where its codes do not lie by document. */
export function denseCodesOf({ denseTerms, denseCodes }: SearchColumns, term: number): number {
  const place = lowerBound(denseTerms, 0, denseTerms.length, term);
  return denseTerms[place] === term ? denseCodes[place] : 0;
}

/** Lays codes out by document. One of a segment does so, for all its threads. */
export class DenseCodes {
  readonly #columns: SearchColumns;
  #bytesLeft: number;
  /** What is left of the memory that was asked for last. */
  #slab = 0;
  #slabEnd = 0;

  constructor(columns: SearchColumns) {
    this.#columns = columns;
    const room = roomLeft(columns.memory) * shareOfRoom;
    this.#bytesLeft = Math.min(columns.documents.length * postingBytes * shareOfPostings, room);
  }

  /** Lays out the codes of those of the terms, ascending, that are dense; not of all where that would take too much. */
  layOut(terms: Uint32Array): void {
    const { denseTerms, denseCodes } = this.#columns;
    let place = 0;
    for (let i = 0; i < terms.length && place < denseTerms.length; i++) {
      place = lowerBound(denseTerms, place, denseTerms.length, terms[i]);
      if (denseTerms[place] === terms[i] && denseCodes[place] === 0)
        denseCodes[place] = this.#laidOut(terms[i]);
    }
  }

  /** The address of a term's codes; 0 where there is no room for them. */
  #laidOut(term: number): number {
    const { memory, offsets, documents, codes, lengths } = this.#columns;
    const bytes = Math.ceil(lengths.length / 4) * 8;
    if (bytes > this.#bytesLeft) return 0;
    if (this.#slab === this.#slabEnd) {
      // A whole number of terms.
      const size = Math.max(1, Math.floor(Math.min(slabBytes, this.#bytesLeft) / bytes)) * bytes;
      try {
        this.#slab = grown(memory, size);
      } catch {
        // They are not needed.
        this.#bytesLeft = 0;
        return 0;
      }
      this.#slabEnd = this.#slab + size;
    }
    const address = this.#slab;
    this.#slab += bytes;
    this.#bytesLeft -= bytes;
    const byDocument = new Uint16Array(memory.buffer, address, lengths.length).fill(rareCode);
    for (let i = offsets[term]; i < offsets[term + 1]; i++) byDocument[documents[i]] = codes[i];
    return address;
  }
}
