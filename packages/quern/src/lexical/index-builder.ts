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
 * All of this happens in a folder beside the final one, which is renamed at the end. A crash at any moment leaves the
 * old index or none; the next build clears what a killed one left.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { compareBytes } from '../collections/ranking-order.ts';
import { documentText, type Document } from '../collections/records.ts';
import { fileError, QuernError, throwIfAborted } from '../errors.ts';
import type { Analyzer } from '../text/analyzer.ts';
import { FileWriter } from './file-writer.ts';
import { GrowingUint32Array } from './growing-array.ts';
import { indexFileName, IndexFileWriter, type IndexFacts } from './index-format.ts';

/** How an index is built. */
export interface BuildOptions {
  /** The folder of the index. A new one is made; one that holds an index gets the new index in its place. */
  readonly out: string;
  /** Analyses documents now and queries later. With term vectors: what made them. */
  readonly analyzer: Analyzer;
  /** Keep titles, texts and metadata for display. Default false. */
  readonly store?: boolean;
  /** Postings held in memory at once (8 bytes each). Default 16 Mi. */
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

/** The most postings, and bytes of terms, that 32-bit places can reach. */
const maxPlace = 0xffff_ffff;
/** The most documents: their numbers are signed 32-bit. */
const maxDocuments = 0x7fff_ffff;
const recordHead = 4;

/** The work folders of the builds that run in this process. */
const workFolders = new Set<string>();

/** An index under construction: add documents, then `finish`, or `abandon`. */
export class IndexBuilder {
  readonly #options: BuildOptions;
  readonly #out: string;
  readonly #work: string;
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
  #highestFrequency = 0;

  private constructor(options: BuildOptions, work: string, pairs: FileWriter, store: FileWriter | undefined) {
    this.#options = options;
    this.#out = resolve(options.out);
    this.#work = work;
    this.#pairs = pairs;
    this.#store = store;
  }

  /**
   * Starts an index. Throws `ALREADY_EXISTS` when `out` is a file, or a folder with other content than an index, and
   * `NOT_FOUND` when the folder above it does not exist.
   */
  static async create(options: BuildOptions): Promise<IndexBuilder> {
    const out = resolve(options.out);
    await checkTarget(out);
    await clearKilledBuilds(out);
    const work = `${out}.partial-${process.pid}-${randomBytes(4).toString('hex')}`;
    workFolders.add(work);
    try {
      await mkdir(work);
    } catch (error) {
      workFolders.delete(work);
      throw fileError(error, dirname(out));
    }
    try {
      const pairs = await FileWriter.create(join(work, 'pairs'));
      const store = options.store ? await FileWriter.create(join(work, 'store')) : undefined;
      return new IndexBuilder(options, work, pairs, store);
    } catch (error) {
      await removeWork(work);
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
    for (const term of this.#options.analyzer.terms(documentText(document))) {
      frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
    }
    await this.addVector(document.id, frequencies, where);
    if (this.#store) {
      const { title, text, metadata } = document;
      const json = Buffer.from(JSON.stringify({ title, text, ...(metadata && { metadata }) }));
      await this.#store.write(withChecksum(json));
      this.#storeOffsets.push(this.#store.written);
    }
  }

  /** Adds a document by its term frequencies. */
  async addVector(id: string, frequencies: ReadonlyMap<string, number>, where: string): Promise<void> {
    throwIfAborted(this.#options.signal);
    this.#claimId(id, where);
    const pairs = new Uint32Array(1 + frequencies.size * 2);
    pairs[0] = frequencies.size;
    let at = 1;
    let length = 0;
    for (const [term, frequency] of frequencies) {
      pairs[at++] = this.#numberOf(term);
      pairs[at++] = frequency;
      length += frequency;
      if (frequency > this.#highestFrequency) this.#highestFrequency = frequency;
    }
    if (length > 0xffff_ffff) {
      throw new QuernError('BAD_INPUT', `document ${id} has more than 2^32 tokens`, { where });
    }
    this.#lengths.push(length);
    this.#postings += frequencies.size;
    if (this.#postings > maxPlace) {
      throw new QuernError('BAD_INPUT', 'an index holds at most 2^32 - 1 postings', {
        where,
        hint: 'Split the corpus',
      });
    }
    this.#tokens += length;
    if (length > 0) this.#withTerms++;
    await this.#pairs.write(pairs);
  }

  /** Sorts, inverts and writes the index, puts it in its place, and says what it holds. */
  async finish(): Promise<BuildSummary> {
    try {
      return await this.#finish();
    } catch (error) {
      await this.abandon();
      throw error;
    }
  }

  /** Stops and removes everything that was written. */
  async abandon(): Promise<void> {
    await this.#pairs.close().catch(() => undefined);
    await this.#store?.close().catch(() => undefined);
    await removeWork(this.#work);
  }

  #claimId(id: string, where: string): void {
    const first = this.#ids.get(id);
    if (id === '') throw new QuernError('BAD_INPUT', 'the document has an empty id', { where });
    if (first !== undefined) {
      throw new QuernError('BAD_INPUT', `the document id ${JSON.stringify(id)} was already used`, {
        where,
        hint: `It was first seen at ${first}; ids must be unique in a corpus`,
      });
    }
    if (this.#ids.size === maxDocuments) {
      throw new QuernError('BAD_INPUT', `an index holds at most ${maxDocuments} documents`, { where });
    }
    this.#ids.set(id, where);
  }

  #numberOf(term: string): number {
    const known = this.#terms.get(term);
    if (known !== undefined) {
      this.#documentFrequencies.increment(known);
      return known;
    }
    const number = this.#terms.size;
    this.#terms.set(term, number);
    this.#documentFrequencies.push(1);
    return number;
  }

  async #finish(): Promise<BuildSummary> {
    await this.#pairs.flush();
    const path = join(this.#work, indexFileName);
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
      const vectors = await this.#writeVectors(file, sorted.final);
      const passes = await this.#invert(file, vectors, postingOffsets);
      if (this.#store) await this.#copyStore(file);
      throwIfAborted(this.#options.signal);
      const facts: IndexFacts = {
        analyzer: this.#options.analyzer.name,
        documents: this.#lengths.length,
        documentsWithTerms: this.#withTerms,
        terms: sorted.terms.length,
        postings: this.#postings,
        tokens: this.#tokens,
      };
      await file.finish(facts);
      const { size } = await stat(path);
      await this.#putInPlace();
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

  /** Copies the pairs into the section `vectors`; returns where it starts and each document's place in it. */
  async #writeVectors(file: IndexFileWriter, final: Uint32Array): Promise<Vectors> {
    const documents = this.#lengths.length;
    const offsets = new Float64Array(documents + 1);
    const section = file.stream('vectors', 'records', documents * (recordHead + 4) + this.#postings * 8);
    let end = 0;
    await eachRecord(
      (position, length) => this.#pairs.read(position, length),
      this.#pairs.written,
      (words, at) => 1 + 2 * words[at],
      async (words, at, document) => {
        throwIfAborted(this.#options.signal);
        const size = words[at];
        // (term, place) as one number each sorts without a comparator.
        const order = new Float64Array(size);
        for (let i = 0; i < size; i++) order[i] = final[words[at + 1 + 2 * i]] * size + i;
        order.sort();
        const record = new Uint32Array(2 + 2 * size);
        record[0] = size;
        for (let i = 0; i < size; i++) {
          record[1 + i] = Math.floor(order[i] / size);
          record[1 + size + i] = words[at + 2 + 2 * (order[i] % size)];
        }
        record[1 + 2 * size] = crc32(new Uint8Array(record.buffer, 0, 4 + 8 * size));
        await section.write(record);
        end += record.byteLength;
        offsets[document + 1] = end;
      },
    );
    await section.end();
    await file.section('vector-offsets', 'f64', offsets);
    return { start: section.offset, bytes: end };
  }

  async #invert(file: IndexFileWriter, vectors: Vectors, postingOffsets: Float64Array): Promise<number> {
    const budget = this.#options.postingsPerPass ?? 16 << 20;
    const width = widthFor(this.#highestFrequency);
    const documents = file.stream('posting-documents', 'i32', this.#postings * 4);
    const frequencies = file.stream('posting-frequencies', width.type, this.#postings * width.bytes);
    const terms = postingOffsets.length - 1;
    let passes = 0;
    for (let from = 0; from < terms; passes++) {
      let to = from + 1;
      while (to < terms && postingOffsets[to + 1] - postingOffsets[from] <= budget) to++;
      const start = postingOffsets[from];
      const size = postingOffsets[to] - start;
      const documentColumn = new Int32Array(size);
      const frequencyColumn = new width.array(size);
      const next = postingOffsets.slice(from, to);
      await eachRecord(
        (position, length) => file.read(vectors.start + position, length),
        vectors.bytes,
        (words, at) => 2 + 2 * words[at],
        async (words, at, document) => {
          throwIfAborted(this.#options.signal);
          const count = words[at];
          for (let i = lowerBound(words, at + 1, at + 1 + count, from); i < at + 1 + count; i++) {
            const term = words[i];
            if (term >= to) break;
            const place = next[term - from]++ - start;
            documentColumn[place] = document;
            frequencyColumn[place] = words[i + count];
          }
        },
      );
      await documents.write(documentColumn);
      await frequencies.write(frequencyColumn);
      from = to;
    }
    await documents.end();
    await frequencies.end();
    return passes;
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

  async #putInPlace(): Promise<void> {
    await this.#pairs.close();
    await this.#store?.close();
    await rm(join(this.#work, 'pairs'));
    await rm(join(this.#work, 'store'), { force: true });
    try {
      if (await isFolder(this.#out)) {
        await rename(join(this.#work, indexFileName), join(this.#out, indexFileName));
        await removeWork(this.#work);
      } else await rename(this.#work, this.#out);
      workFolders.delete(this.#work);
    } catch (error) {
      throw fileError(error, this.#out);
    }
  }
}

interface Vectors {
  readonly start: number;
  readonly bytes: number;
}

function withChecksum(bytes: Uint8Array): Uint8Array {
  const record = Buffer.alloc(bytes.length + 4);
  record.set(bytes);
  record.writeUInt32LE(crc32(bytes), bytes.length);
  return record;
}

async function writeIds(file: IndexFileWriter, ids: readonly string[]): Promise<void> {
  const encoded = ids.map((id) => Buffer.from(id));
  await file.section('ids', 'u8', Buffer.concat(encoded));
  await file.section('id-offsets', 'f64', prefixSums(encoded.map((id) => id.length)));
  const order = Uint32Array.from(ids.keys()).sort((a, b) => compareBytes(ids[a], ids[b]));
  await file.section('id-order', 'u32', order);
}

async function writeTerms(file: IndexFileWriter, terms: readonly string[]): Promise<void> {
  const encoded = terms.map((term) => Buffer.from(term));
  const offsets = prefixSums(encoded.map((term) => term.length));
  if (offsets[terms.length] > maxPlace) {
    throw new QuernError('BAD_INPUT', 'the vocabulary exceeds 4 GiB', {
      hint: 'Does the analyzer split the text at all?',
    });
  }
  await file.section('terms', 'u8', Buffer.concat(encoded));
  await file.section('term-offsets', 'u32', Uint32Array.from(offsets));
}

/** `[0, v0, v0 + v1, …]`. */
function prefixSums(values: ArrayLike<number>): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let i = 0; i < values.length; i++) sums[i + 1] = sums[i] + values[i];
  return sums;
}

function widthFor(highest: number) {
  if (highest < 1 << 8) return { type: 'u8', bytes: 1, array: Uint8Array } as const;
  if (highest < 1 << 16) return { type: 'u16', bytes: 2, array: Uint16Array } as const;
  return { type: 'u32', bytes: 4, array: Uint32Array } as const;
}

/** The first place in `words[from…to)`, ascending, whose value is `value` or more. */
function lowerBound(words: Uint32Array, from: number, to: number, value: number): number {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (words[middle] < value) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Walks the records of a file of 32-bit words, reading it in large pieces. */
async function eachRecord(
  read: (position: number, length: number) => Promise<Uint8Array>,
  bytes: number,
  wordsOf: (words: Uint32Array, at: number) => number,
  visit: (words: Uint32Array, at: number, record: number) => Promise<void>,
): Promise<void> {
  const piece = 4 << 20;
  let position = 0;
  let record = 0;
  let wanted = piece;
  while (position < bytes) {
    const chunk = await read(position, Math.min(wanted, bytes - position));
    const words = new Uint32Array(chunk.buffer, chunk.byteOffset, chunk.byteLength >> 2);
    let at = 0;
    while (at < words.length) {
      const size = wordsOf(words, at);
      if (at + size > words.length) break;
      await visit(words, at, record++);
      at += size;
    }
    // A record larger than a piece: read again, enough for the whole of it.
    wanted = at === 0 ? wordsOf(words, 0) * 4 : piece;
    position += at * 4;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

async function checkTarget(out: string): Promise<void> {
  let entries: string[];
  try {
    entries = await readdir(out);
  } catch (error) {
    const mapped = fileError(error, out);
    if (mapped instanceof QuernError && mapped.code === 'NOT_FOUND') return;
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') {
      throw new QuernError('ALREADY_EXISTS', 'is a file; an index is a folder', { where: out });
    }
    throw mapped;
  }
  if (entries.length > 0 && !entries.includes(indexFileName)) {
    throw new QuernError('ALREADY_EXISTS', 'the folder holds other things than an index', {
      where: out,
      hint: 'Choose a new or an empty folder',
    });
  }
}

/** Removes the work folders that builds of `out` left when their process was killed. */
async function clearKilledBuilds(out: string): Promise<void> {
  const parent = dirname(out);
  const prefix = `${basename(out)}.partial-`;
  for (const entry of await readdir(parent).catch(() => [])) {
    const owner = entry.startsWith(prefix) && /^(\d+)-[0-9a-f]{8}$/.exec(entry.slice(prefix.length));
    if (!owner) continue;
    const work = join(parent, entry);
    // In a container every process may have the same number: trust only our own list for it.
    const pid = Number(owner[1]);
    const running = pid === process.pid ? workFolders.has(work) : isAlive(pid);
    if (!running) await rm(work, { recursive: true, force: true });
  }
}

async function removeWork(work: string): Promise<void> {
  await rm(work, { recursive: true, force: true });
  workFolders.delete(work);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
