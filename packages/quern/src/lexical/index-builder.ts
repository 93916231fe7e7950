/**
 * Builds an index in bounded memory: what grows with the corpus is the vocabulary, the ids and a few numbers a
 * document, not the postings or the text.
 *
 * 1. Documents are analysed one by one; each one's (term, frequency) pairs go to a temporary file. Terms get
 *    provisional numbers in the order in which they are first seen.
 * 2. Terms are sorted. The temporary file is copied into the section `vectors` with the final numbers.
 * 3. The postings are that section inverted, in passes: each pass reads it once and fills the postings of as many
 *    consecutive terms as fit the budget (`postingsPerPass`).
 *
 * All of this happens in a {@link WorkFolder} beside the final one, which is renamed at the end.
 */
import { stat } from 'node:fs/promises';
import { toUSVString } from 'node:util';
import { crc32 } from 'node:zlib';
import { compareBytes } from '../byte-order.ts';
import { documentText, type Document } from '../collections/records.ts';
import { fileError, QuernError, throwIfAborted } from '../errors.ts';
import type { Analyzer } from '../text/analyzer.ts';
import { FileWriter } from './file-writer.ts';
import { GrowingUint32Array } from './growing-array.ts';
import { IndexFileWriter } from './index-file-writer.ts';
import { indexFileName, type IndexFacts } from './index-format.ts';
import { invert, writeVectors } from './index-inversion.ts';
import { ownCopy, prefixSums, writeIds, writeTerms } from './index-strings.ts';
import { WorkFolder } from './index-work-folder.ts';

/** How an index is built. */
export interface BuildOptions {
  /** The folder of the index. A new one is made; one that holds an index gets the new index in its place. */
  readonly out: string;
  /** Analyses documents now and queries later. With term vectors: what made them. */
  readonly analyzer: Analyzer;
  /** Keep titles, texts and metadata for display. Default false. */
  readonly store?: boolean;
  /** Postings held in memory at once (6 bytes each). Default 16 Mi. */
  readonly postingsPerPass?: number;
  readonly signal?: AbortSignal;
}

/** What was built, and how much work it took. */
export interface BuildSummary extends IndexFacts {
  /** Times that the documents' vectors were read to invert them. */
  readonly passes: number;
  /** Bytes of the index file. */
  readonly bytes: number;
}

/** The most postings that 32-bit places can reach, and the most tokens of a document. */
const maxPlace = 0xffff_ffff;
/** The most documents, and terms: what a Map of V8 can hold. */
const maxEntries = 1 << 24;

/**
 * An index under construction: add documents, one after the other, then `finish`, or `abandon`. A document that
 * `BAD_INPUT` was thrown for is not in the index; after any other error there is only `abandon`.
 */
export class IndexBuilder {
  readonly #options: BuildOptions;
  readonly #work: WorkFolder;
  readonly #pairs: FileWriter;
  readonly #store: FileWriter | undefined;
  readonly #terms = new Map<string, number>();
  readonly #documentFrequencies = new GrowingUint32Array();
  readonly #ids = new Map<string, string>();
  readonly #lengths = new GrowingUint32Array();
  readonly #storeOffsets: number[] = [0];
  #postings = 0;
  #tokens = 0;
  #withTerms = 0;

  private constructor(
    options: BuildOptions,
    work: WorkFolder,
    pairs: FileWriter,
    store: FileWriter | undefined,
  ) {
    this.#options = options;
    this.#work = work;
    this.#pairs = pairs;
    this.#store = store;
  }

  /** Starts an index. Throws as {@link WorkFolder.create} does for `out`. */
  static async create(options: BuildOptions): Promise<IndexBuilder> {
    const { postingsPerPass = 1 } = options;
    if (!Number.isSafeInteger(postingsPerPass) || postingsPerPass < 1) {
      throw new QuernError(
        'USAGE',
        `postingsPerPass must be a positive whole number, not ${postingsPerPass}`,
      );
    }
    const work = await WorkFolder.create(options.out);
    try {
      const pairs = await FileWriter.create(work.file('pairs'));
      const store = options.store ? await FileWriter.create(work.file('store')) : undefined;
      return new IndexBuilder(options, work, pairs, store);
    } catch (error) {
      await work.remove();
      throw error;
    }
  }

  /** The documents added so far. */
  get documents(): number {
    return this.#ids.size;
  }

  /** Analyses and adds a document. `where` names its place for errors; a repeated id throws `BAD_INPUT`. */
  async add(document: Document, where: string): Promise<void> {
    const frequencies = new Map<string, number>();
    // Half a surrogate pair, as cut texts end in, has no UTF-8: it becomes U+FFFD, as in any file.
    for (const term of this.#options.analyzer.terms(toUSVString(documentText(document)))) {
      frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
    }
    const json = this.#store && storedJson(document, where);
    await this.#add(document.id, frequencies, where);
    if (this.#store && json) {
      await this.#store.write(withChecksum(json));
      this.#storeOffsets.push(this.#store.written);
    }
  }

  /** Adds a document by its term frequencies, positive integers. Throws `USAGE` in an index that stores documents. */
  async addVector(id: string, frequencies: ReadonlyMap<string, number>, where: string): Promise<void> {
    if (this.#store) throw new QuernError('USAGE', 'term frequencies have no text to store', { where });
    await this.#add(id, frequencies, where);
  }

  /** Sorts, inverts and writes the index, puts it in its place, and says what it holds. */
  async finish(): Promise<BuildSummary> {
    try {
      return await this.#finish();
    } catch (error) {
      await this.abandon();
      throw fileError(error, this.#work.out);
    }
  }

  /** Stops and removes everything that was written. */
  async abandon(): Promise<void> {
    await this.#pairs.discard();
    await this.#store?.discard();
    await this.#work.remove();
  }

  /** Checks everything before anything changes: a document that is refused leaves no trace. */
  async #add(id: string, frequencies: ReadonlyMap<string, number>, where: string): Promise<void> {
    throwIfAborted(this.#options.signal);
    const ownId = this.#newId(id, where);
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
    if (length > maxPlace) {
      throw new QuernError('BAD_INPUT', `document ${JSON.stringify(id)} has 2^32 tokens or more`, { where });
    }
    this.#checkRoom(newTerms.length, frequencies.size, where);

    this.#ids.set(ownId, where);
    for (const { term, at: place } of newTerms) {
      pairs[place] = this.#terms.size;
      this.#terms.set(term, this.#terms.size);
      this.#documentFrequencies.push(0);
    }
    for (let i = 1; i < pairs.length; i += 2) this.#documentFrequencies.increment(pairs[i]);
    this.#lengths.push(length);
    this.#postings += frequencies.size;
    this.#tokens += length;
    if (length > 0) this.#withTerms++;
    await this.#pairs.write(pairs);
  }

  #newId(id: string, where: string): string {
    if (id === '') throw new QuernError('BAD_INPUT', 'the document has an empty id', { where });
    const first = this.#ids.get(id);
    if (first !== undefined) {
      throw new QuernError('BAD_INPUT', `the document id ${JSON.stringify(id)} was already used`, {
        where,
        hint: `It was first seen at ${first}; ids must be unique in a corpus`,
      });
    }
    return ownCopy(id, 'document id', where);
  }

  #checkRoom(newTerms: number, newPostings: number, where: string): void {
    const full =
      (this.#ids.size >= maxEntries && `${maxEntries} documents`) ||
      (this.#terms.size + newTerms > maxEntries && `${maxEntries} terms`) ||
      (this.#postings + newPostings > maxPlace && `${maxPlace} postings`);
    if (full)
      throw new QuernError('BAD_INPUT', `an index holds at most ${full}`, {
        where,
        hint: 'Split the corpus',
      });
  }

  async #finish(): Promise<BuildSummary> {
    await this.#pairs.flush();
    const path = this.#work.file(indexFileName);
    const { analyzer, postingsPerPass = 16 << 20, signal } = this.#options;
    const file = await IndexFileWriter.create(path);
    try {
      const ids = [...this.#ids.keys()];
      this.#ids.clear();
      await writeIds(file, ids);
      await file.section('document-lengths', 'u32', this.#lengths.view());
      const sorted = this.#sortedTerms();
      await writeTerms(file, sorted.terms);
      const frequencies = sorted.provisional.map((number) => this.#documentFrequencies.get(number));
      const postingOffsets = prefixSums(frequencies);
      await file.section('posting-offsets', 'u32', Uint32Array.from(postingOffsets));
      const extent = { documents: this.#lengths.length, postings: this.#postings };
      const vectors = await writeVectors(file, this.#pairs, extent, sorted.final, signal);
      const lengths = this.#lengths.view();
      const passes = await invert(file, vectors, postingOffsets, lengths, postingsPerPass, signal);
      if (this.#store) await this.#copyStore(file);
      throwIfAborted(signal);
      const facts: IndexFacts = {
        analyzer: analyzer.name,
        documents: this.#lengths.length,
        documentsWithTerms: this.#withTerms,
        terms: sorted.terms.length,
        postings: this.#postings,
        tokens: this.#tokens,
      };
      await file.finish(facts);
      const { size } = await stat(path);
      await this.#pairs.discard();
      await this.#store?.discard();
      await this.#work.putInPlace();
      return { ...facts, passes, bytes: size };
    } catch (error) {
      await file.abandon();
      throw error;
    }
  }

  /** The terms in byte order, the provisional number of each, and the final number of each provisional one. */
  #sortedTerms(): { terms: string[]; provisional: Uint32Array; final: Uint32Array } {
    const terms = [...this.#terms.keys()].sort(compareBytes);
    const provisional = Uint32Array.from(terms, (term) => this.#terms.get(term)!);
    const final = new Uint32Array(terms.length);
    provisional.forEach((number, place) => (final[number] = place));
    this.#terms.clear();
    return { terms, provisional, final };
  }

  async #copyStore(file: IndexFileWriter): Promise<void> {
    const store = this.#store!;
    await store.flush();
    const section = file.stream('store', 'records', store.written);
    const chunk = 1 << 20;
    for (let position = 0; position < store.written; position += chunk) {
      await section.write(await store.read(position, Math.min(chunk, store.written - position)));
    }
    await section.end();
    await file.section('store-offsets', 'f64', Float64Array.from(this.#storeOffsets));
  }
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
