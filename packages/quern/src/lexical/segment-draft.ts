/**
 * A segment in the making, in bounded memory: what grows with the documents is the vocabulary, the ids and a few numbers
 * a document, not the postings or the text.
 *
 * 1. Documents are analysed one by one; each one's (term, frequency) pairs go to a temporary file. Terms get
 *    provisional numbers in the order in which they are first seen.
 * 2. Terms are sorted. The temporary file is copied into the section `vectors` with the final numbers.
 * 3. The postings are that section inverted, in passes: each pass reads it once and fills the postings of as many
 *    consecutive terms as fit the budget (`postingsPerPass`).
 */
import { toUSVString } from 'node:util';
import { crc32 } from 'node:zlib';
import { compareBytes } from '../byte-order.ts';
import { documentText, type Document } from '../collections/records.ts';
import { QuernError, throwIfAborted } from '../errors.ts';
import type { Analyzer } from '../text/analyzer.ts';
import { FileWriter } from './file-writer.ts';
import { GrowingUint32Array } from './growing-array.ts';
import { IndexFileWriter } from './index-file-writer.ts';
import { partialName, removeFile } from './index-folder.ts';
import { maxSegmentEntries, maxSegmentPostings, type IndexFacts } from './index-format.ts';
import { eachRecord, invert, writeVectors } from './index-inversion.ts';
import { ownCopy, prefixSums, writeIds, writeTerms } from './index-strings.ts';

/** A segment's file as it was written. */
export interface WrittenSegment {
  readonly facts: IndexFacts;
  readonly bytes: number;
  /** CRC-32 of the table. */
  readonly checksum: number;
  /** Times that the documents' vectors were read to invert them. */
  readonly passes: number;
}

/** How a segment is made. */
export interface SegmentDraftOptions {
  readonly analyzer: Analyzer;
  readonly store: boolean;
  readonly signal?: AbortSignal;
}

/** How many postings are inverted at once where nothing else is asked for. */
export const defaultPostingsPerPass = 16 << 20;

/** The most tokens of a document. */
const maxTokens = 0xffff_ffff;

/**
 * Documents on their way to be a segment: add them one after the other, then `write`; `discard` in any case. A document
 * that `BAD_INPUT` was thrown for is not in it; after any other error there is only `discard`.
 */
export class SegmentDraft {
  readonly #options: SegmentDraftOptions;
  readonly #pairs: FileWriter;
  readonly #store: FileWriter | undefined;
  readonly #terms = new Map<string, number>();
  readonly #documentFrequencies = new GrowingUint32Array();
  /** The numbers of the documents by their ids, ascending; dropped ones are not among them. */
  readonly #numbers = new Map<string, number>();
  readonly #places: string[] = [];
  readonly #dropped = new Set<number>();
  readonly #lengths = new GrowingUint32Array();
  readonly #storeOffsets: number[] = [0];
  #postings = 0;

  private constructor(options: SegmentDraftOptions, pairs: FileWriter, store: FileWriter | undefined) {
    this.#options = options;
    this.#pairs = pairs;
    this.#store = store;
  }

  /** Starts a segment, with temporary files whose names begin with `path`. */
  static async create(path: string, options: SegmentDraftOptions): Promise<SegmentDraft> {
    const pairs = await FileWriter.create(partialName(`${path}.pairs`));
    try {
      const store = options.store ? await FileWriter.create(partialName(`${path}.store`)) : undefined;
      return new SegmentDraft(options, pairs, store);
    } catch (error) {
      await pairs.discard();
      await removeFile(pairs.path);
      throw error;
    }
  }

  /** How many documents are in it. */
  get documents(): number {
    return this.#numbers.size;
  }

  /** Where the document with this id came from; undefined where it is not in here. */
  placeOf(id: string): string | undefined {
    const number = this.#numbers.get(id);
    return number === undefined ? undefined : this.#places[number];
  }

  /** Takes a document out again, if it is in here. */
  drop(id: string): void {
    const number = this.#numbers.get(id);
    if (number === undefined) return;
    this.#numbers.delete(id);
    this.#dropped.add(number);
  }

  /**
   * Analyses and adds a document. `where` names its place for errors; an id that is in here already throws `BAD_INPUT`,
   * unless `replace` is given: then the document replaces that one.
   */
  async add(document: Document, where: string, replace = false): Promise<void> {
    checkDocument(document, where);
    const frequencies = new Map<string, number>();
    // Half a surrogate pair, as cut texts end in, has no UTF-8: it becomes U+FFFD, as in any file.
    for (const term of this.#options.analyzer.terms(toUSVString(documentText(document)))) {
      frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
    }
    const json = this.#store && storedJson(document, where);
    await this.#add(document.id, frequencies, where, replace);
    if (this.#store && json) {
      await this.#store.write(withChecksum(json));
      this.#storeOffsets.push(this.#store.written);
    }
  }

  /** Adds a document by its term frequencies, positive integers. Throws `USAGE` where documents are stored. */
  async addVector(
    id: string,
    frequencies: ReadonlyMap<string, number>,
    where: string,
    replace = false,
  ): Promise<void> {
    if (this.#store) throw new QuernError('USAGE', 'term frequencies have no text to store', { where });
    checkString(id, 'id', where);
    if (!(frequencies instanceof Map)) {
      throw new QuernError('BAD_INPUT', 'the term frequencies are not a Map', { where });
    }
    await this.#add(id, frequencies, where, replace);
  }

  /** Sorts, inverts and writes the segment to `path`, durable. Nothing can be added after it. */
  async write(path: string, postingsPerPass: number): Promise<WrittenSegment> {
    await this.#pairs.flush();
    const { analyzer, signal } = this.#options;
    const file = await IndexFileWriter.create(path);
    try {
      const { postings } = await this.#withoutDropped();
      const numbers = Uint32Array.from(this.#numbers.values());
      const lengths = numbers.map((number) => this.#lengths.get(number));
      await writeIds(file, [...this.#numbers.keys()]);
      this.#numbers.clear();
      await file.section('document-lengths', 'u32', lengths);
      const sorted = this.#sortedTerms();
      await writeTerms(file, sorted.terms);
      const frequencies = sorted.provisional.map((number) => this.#documentFrequencies.get(number));
      const postingOffsets = prefixSums(frequencies);
      await file.section('posting-offsets', 'u32', Uint32Array.from(postingOffsets));
      const extent = { documents: numbers.length, postings };
      const vectors = await writeVectors(file, this.#pairs, extent, sorted.final, this.#dropped, signal);
      const passes = await invert(file, vectors, postingOffsets, lengths, postingsPerPass, signal);
      if (this.#store) await this.#copyStore(file, this.#store, numbers);
      throwIfAborted(signal);
      const facts: IndexFacts = {
        analyzer: analyzer.name,
        ...extent,
        ...totalsOf(lengths),
        terms: sorted.terms.length,
      };
      return { facts, passes, ...(await file.finish(facts)) };
    } catch (error) {
      await file.abandon();
      throw error;
    }
  }

  /** Closes and removes the temporary files. */
  async discard(): Promise<void> {
    for (const file of [this.#pairs, this.#store]) {
      await file?.discard();
      if (file) await removeFile(file.path);
    }
  }

  /** Checks everything before anything changes: a document that is refused leaves no trace. */
  async #add(
    id: string,
    frequencies: ReadonlyMap<string, number>,
    where: string,
    replace: boolean,
  ): Promise<void> {
    throwIfAborted(this.#options.signal);
    const ownId = this.#checkedId(id, where, replace);
    const pairs = new Uint32Array(1 + frequencies.size * 2);
    pairs[0] = frequencies.size;
    const newTerms: { term: string; at: number }[] = [];
    let at = 1;
    let length = 0;
    for (const [term, frequency] of frequencies) {
      if (!(Number.isInteger(frequency) && frequency >= 1)) {
        const what = `the frequency of ${JSON.stringify(term)} is ${frequency}, not a positive integer`;
        throw new QuernError('BAD_INPUT', what, { where });
      }
      const known = this.#terms.get(term);
      if (known === undefined) newTerms.push({ term: ownCopy(term, 'term', where), at });
      else pairs[at] = known;
      pairs[at + 1] = frequency;
      at += 2;
      length += frequency;
    }
    if (length > maxTokens) {
      throw new QuernError('BAD_INPUT', `document ${JSON.stringify(id)} has 2^32 tokens or more`, { where });
    }
    checkRoom(
      this.#lengths.length,
      this.#terms.size + newTerms.length,
      this.#postings + frequencies.size,
      where,
    );

    this.drop(id);
    this.#numbers.set(ownId, this.#lengths.length);
    this.#places.push(where);
    for (const { term, at: place } of newTerms) {
      pairs[place] = this.#terms.size;
      this.#terms.set(term, this.#terms.size);
      this.#documentFrequencies.push(0);
    }
    for (let i = 1; i < pairs.length; i += 2) this.#documentFrequencies.add(pairs[i], 1);
    this.#lengths.push(length);
    this.#postings += frequencies.size;
    await this.#pairs.write(pairs);
  }

  #checkedId(id: string, where: string, replace: boolean): string {
    if (id === '') throw new QuernError('BAD_INPUT', 'the document has an empty id', { where });
    const first = this.placeOf(id);
    if (first !== undefined && !replace) throw repeatedId(id, first, where);
    return ownCopy(id, 'document id', where);
  }

  /** Takes the dropped documents off the document frequencies; returns the number of postings without theirs. */
  async #withoutDropped(): Promise<{ postings: number }> {
    let postings = this.#postings;
    if (this.#dropped.size === 0) return { postings };
    const { signal } = this.#options;
    await eachRecord(
      (position, length) => this.#pairs.read(position, length),
      this.#pairs.written,
      (words, at) => 1 + 2 * words[at],
      (words, at, document) => {
        throwIfAborted(signal);
        if (!this.#dropped.has(document)) return;
        for (let i = 0; i < words[at]; i++) this.#documentFrequencies.add(words[at + 1 + 2 * i], -1);
        postings -= words[at];
      },
    );
    return { postings };
  }

  /** The terms in byte order, the provisional number of each, and the final number of each provisional one. */
  #sortedTerms(): { terms: string[]; provisional: Uint32Array; final: Uint32Array } {
    const final = new Uint32Array(this.#terms.size);
    const used = [...this.#terms].filter(([, number]) => this.#documentFrequencies.get(number) > 0);
    const terms = used.map(([term]) => term).sort(compareBytes);
    const provisional = Uint32Array.from(terms, (term) => this.#terms.get(term)!);
    provisional.forEach((number, place) => (final[number] = place));
    this.#terms.clear();
    return { terms, provisional, final };
  }

  async #copyStore(file: IndexFileWriter, store: FileWriter, numbers: Uint32Array): Promise<void> {
    await store.flush();
    const from = this.#storeOffsets;
    const offsets = prefixSums(Float64Array.from(numbers, (number) => from[number + 1] - from[number]));
    const section = file.stream('store', 'records', offsets[numbers.length]);
    const chunk = 1 << 20;
    for (let i = 0; i < numbers.length;) {
      // Documents that lie one after the other are copied together.
      const start = numbers[i];
      let end = start + 1;
      for (i++; numbers[i] === end; i++) end++;
      for (let position = from[start]; position < from[end]; position += chunk) {
        await section.write(await store.read(position, Math.min(chunk, from[end] - position)));
      }
    }
    await section.end();
    await file.section('store-offsets', 'f64', offsets);
  }
}

/** What the lengths of documents add up to. */
export function totalsOf(lengths: Uint32Array): { documentsWithTerms: number; tokens: number } {
  let documentsWithTerms = 0;
  let tokens = 0;
  for (const length of lengths) {
    tokens += length;
    if (length > 0) documentsWithTerms++;
  }
  return { documentsWithTerms, tokens };
}

/** The error for an id that a corpus has twice. */
export function repeatedId(id: string, first: string, where: string): QuernError {
  return new QuernError('BAD_INPUT', `the document id ${JSON.stringify(id)} was already used`, {
    where,
    hint: `It was first seen at ${first}; ids must be unique in a corpus`,
  });
}

/** Throws `BAD_INPUT` where a segment of `documents` documents cannot take one more that makes these terms and postings. */
export function checkRoom(documents: number, terms: number, postings: number, where: string): void {
  const full =
    (documents >= maxSegmentEntries && `${maxSegmentEntries} documents`) ||
    (terms > maxSegmentEntries && `${maxSegmentEntries} terms`) ||
    (postings > maxSegmentPostings && `${maxSegmentPostings} postings`);
  if (!full) return;
  throw new QuernError('BAD_INPUT', `what is indexed at a time has at most ${full}`, {
    where,
    hint: 'Split the corpus and index it in parts, each after the first with --append',
  });
}

function storedJson({ title, text, metadata }: Document, where: string): Buffer {
  try {
    return Buffer.from(JSON.stringify({ title, text, ...(metadata && { metadata }) }));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new QuernError('BAD_INPUT', 'its fields are too large or too deep to store', {
      where,
      cause: error,
    });
  }
}

function withChecksum(bytes: Uint8Array): Uint8Array {
  const record = Buffer.alloc(bytes.length + 4);
  record.set(bytes);
  record.writeUInt32LE(crc32(bytes), bytes.length);
  return record;
}

/** Throws `BAD_INPUT` where a program without types gives what is not a document. */
function checkDocument(document: Document, where: string): void {
  if (typeof document !== 'object' || document === null) {
    throw new QuernError('BAD_INPUT', 'the document is not an object', { where });
  }
  for (const field of ['id', 'title', 'text'] as const) checkString(document[field], field, where);
}

function checkString(value: unknown, field: string, where: string): void {
  if (typeof value === 'string') return;
  throw new QuernError('BAD_INPUT', `the document's ${field} is ${typeof value}, not a string`, {
    where,
    hint: 'A document has the strings id, title and text; an empty title or text is ""',
  });
}
