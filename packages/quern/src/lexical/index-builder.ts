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
import { mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { toUSVString } from 'node:util';
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

/** The most postings, and bytes of terms or ids, that 32-bit places can reach; the highest term frequency as well. */
const maxPlace = 0xffff_ffff;
/** The most documents, and terms: what a Map of V8 can hold. */
const maxEntries = 1 << 24;
const recordHead = 4;

/** The work folders of the builds that run in this process. */
const workFolders = new Set<string>();

/**
 * An index under construction: add documents, one after the other, then `finish`, or `abandon`. A document that
 * `BAD_INPUT` was thrown for is not in the index; after any other error there is only `abandon`.
 */
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

  private constructor(
    options: BuildOptions,
    out: string,
    work: string,
    pairs: FileWriter,
    store: FileWriter | undefined,
  ) {
    this.#options = options;
    this.#out = out;
    this.#work = work;
    this.#pairs = pairs;
    this.#store = store;
  }

  /**
   * Starts an index. Throws `ALREADY_EXISTS` when `out` is a file, or a folder with other content than an index,
   * `NOT_FOUND` when the folder above it does not exist, and `USAGE` when `out` is the root of a volume.
   */
  static async create(options: BuildOptions): Promise<IndexBuilder> {
    const { postingsPerPass = 1 } = options;
    if (!Number.isSafeInteger(postingsPerPass) || postingsPerPass < 1) {
      throw new QuernError(
        'USAGE',
        `postingsPerPass must be a positive whole number, not ${postingsPerPass}`,
      );
    }
    const given = resolve(options.out);
    // The work folder has to lie on the volume of the final one, so a link is followed first.
    const out = await realpath(given).catch(() => given);
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
      return new IndexBuilder(options, out, work, pairs, store);
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
    // Half a surrogate pair, as cut texts end in, has no UTF-8: it becomes U+FFFD, as in any file.
    for (const term of this.#options.analyzer.terms(toUSVString(documentText(document)))) {
      frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
    }
    await this.#add(document.id, frequencies, where);
    if (this.#store) {
      const { title, text, metadata } = document;
      const json = Buffer.from(JSON.stringify({ title, text, ...(metadata && { metadata }) }));
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
      throw fileError(error, this.#out);
    }
  }

  /** Stops and removes everything that was written. */
  async abandon(): Promise<void> {
    await this.#pairs.discard();
    await this.#store?.discard();
    await removeWork(this.#work);
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
    for (let i = 1; i < pairs.length; i += 2) {
      this.#documentFrequencies.increment(pairs[i]);
      if (pairs[i + 1] > this.#highestFrequency) this.#highestFrequency = pairs[i + 1];
    }
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
        (words, at, document) => {
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
    await this.#pairs.discard();
    await this.#store?.discard();
    await rm(join(this.#work, 'pairs'));
    await rm(join(this.#work, 'store'), { force: true });
    await syncFolder(this.#work);
    if (await isFolder(this.#out)) {
      await rename(join(this.#work, indexFileName), join(this.#out, indexFileName));
      await syncFolder(this.#out);
    } else {
      await rename(this.#work, this.#out);
      await syncFolder(dirname(this.#out));
    }
    await removeWork(this.#work);
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
  const offsets = await writeStrings(file, 'ids', ids);
  await file.section('id-offsets', 'f64', offsets);
  const order = Uint32Array.from(ids.keys()).sort((a, b) => compareBytes(ids[a], ids[b]));
  await file.section('id-order', 'u32', order);
}

async function writeTerms(file: IndexFileWriter, terms: readonly string[]): Promise<void> {
  const offsets = await writeStrings(file, 'terms', terms);
  await file.section('term-offsets', 'u32', Uint32Array.from(offsets));
}

/** Writes the strings' UTF-8, one after the other, and returns their places. */
async function writeStrings(
  file: IndexFileWriter,
  section: string,
  strings: readonly string[],
): Promise<Float64Array> {
  const offsets = prefixSums(strings.map((text) => Buffer.byteLength(text)));
  const bytes = offsets[strings.length];
  if (bytes > maxPlace) throw new QuernError('BAD_INPUT', `the ${section} of this corpus exceed 4 GiB`);
  const stream = file.stream(section, 'u8', bytes);
  for (const text of strings) await stream.write(Buffer.from(text));
  await stream.end();
  return offsets;
}

/**
 * A copy of `text` that is part of no other string: V8 keeps the whole text alive that a long slice was cut from. Throws
 * `BAD_INPUT` where `text` is not valid Unicode, as its UTF-8 would then be another's too.
 */
function ownCopy(text: string, what: string, where: string): string {
  const copy = Buffer.from(text).toString();
  if (copy === text) return copy;
  throw new QuernError('BAD_INPUT', `the ${what} ${JSON.stringify(text)} is not valid Unicode`, {
    where,
    hint: 'It holds half of a surrogate pair',
  });
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

/** Walks the records of `bytes` bytes of 32-bit words, reading them in large pieces; `wordsOf`: a record's size. */
async function eachRecord(
  read: (position: number, length: number) => Promise<Uint8Array>,
  bytes: number,
  wordsOf: (words: Uint32Array, at: number) => number,
  visit: (words: Uint32Array, at: number, record: number) => Promise<void> | void,
): Promise<void> {
  const piece = 4 << 20;
  let record = 0;
  let wanted = piece;
  for (let position = 0; position < bytes;) {
    const chunk = await read(position, Math.min(wanted, bytes - position));
    const words = new Uint32Array(chunk.buffer, chunk.byteOffset, chunk.byteLength >> 2);
    let at = 0;
    while (at < words.length) {
      const size = wordsOf(words, at);
      if (at + size > words.length) break;
      const pending = visit(words, at, record++);
      if (pending) await pending;
      at += size;
    }
    position += at * 4;
    wanted = piece;
    if (at === 0) {
      // A record larger than a piece: read again, enough for the whole of it.
      wanted = wordsOf(words, 0) * 4;
      if (position + wanted > bytes) throw new QuernError('IO', 'a file of the build was changed by others');
    }
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

/** Makes the entries of a folder durable, as far as the system can: Windows and some networks cannot. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
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
  if ((await stat(out)).dev !== (await stat(dirname(out))).dev) {
    throw new QuernError('USAGE', 'is the root of a volume, and a finished index cannot be moved into it', {
      where: out,
      hint: `Choose a folder in it, such as ${join(out, 'index')}`,
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
    if (!running) await removeWork(work);
  }
}

/** Removes a work folder. What cannot be removed now is left to the next build: it must not hide how this one went. */
async function removeWork(work: string): Promise<void> {
  await rm(work, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
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
