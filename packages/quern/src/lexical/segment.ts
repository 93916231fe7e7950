import { deletedBefore, isDeleted, type Deletions } from './deletions.ts';
import { DenseCodes, denseTermsOf } from './dense-codes.ts';
import { DocumentIds } from './document-ids.ts';
import type { IndexFile, Allocate } from './index-file.ts';
import type { IndexTable } from './index-format.ts';
import { rareCode } from './posting-codes.ts';
import type { SearchColumns } from './search-columns.ts';
import type { SegmentFiles } from './segment-files.ts';
import { SegmentMemory } from './segment-memory.ts';
import { SegmentSearch } from './segment-search.ts';
import { verifyPostings, verifyStore, verifyVectors } from './segment-verification.ts';
import { TermDictionary } from './term-dictionary.ts';

/** A stored document. */
export interface StoredDocument {
  readonly title: string;
  readonly text: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** An open segment: one immutable file of an index, and what was deleted from it when it was opened. */
export class Segment {
  readonly table: IndexTable;
  readonly dictionary: TermDictionary;
  readonly ids: DocumentIds;
  readonly columns: SearchColumns;
  /** Searches in this thread. */
  readonly search: SegmentSearch;
  /** Lays codes out by document, for searches in all threads. */
  readonly denseCodes: DenseCodes;
  /** What was deleted from it when it was opened. */
  readonly deletions: Deletions | undefined;
  readonly #file: IndexFile;
  readonly #vectorOffsets: Float64Array;
  readonly #storeOffsets: Float64Array | undefined;

  private constructor(
    file: IndexFile,
    dictionary: TermDictionary,
    ids: DocumentIds,
    columns: SearchColumns,
    vectorOffsets: Float64Array,
    storeOffsets: Float64Array | undefined,
    deletions: Deletions | undefined,
  ) {
    this.#file = file;
    this.table = file.table;
    this.dictionary = dictionary;
    this.ids = ids;
    this.columns = columns;
    this.search = new SegmentSearch(columns);
    this.denseCodes = new DenseCodes(columns);
    this.#vectorOffsets = vectorOffsets;
    this.#storeOffsets = storeOffsets;
    this.deletions = deletions;
  }

  /**
   * Reads what searching needs of a segment's files into one shared memory, each section once; the files are then the
   * segment's to close. Throws `CORRUPT_FILE` naming the section whose checksum does not match.
   */
  static async load({ file, deletions }: SegmentFiles): Promise<Segment> {
    try {
      return await loaded(file, deletions, (...parts) => new Segment(...parts));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Live documents. */
  get documents(): number {
    return this.table.documents - (this.deletions?.documents.length ?? 0);
  }

  /** How many live documents have the term of this number. */
  documentFrequency(term: number): number {
    const { offsets } = this.columns;
    const all = offsets[term + 1] - offsets[term];
    if (!this.deletions) return all;
    const { terms, documentFrequencies } = this.deletions;
    const place = deletedBefore(terms, term);
    return terms[place] === term ? all - documentFrequencies[place] : all;
  }

  /** The number of the live document with this id, or -1. */
  documentNumber(id: string): number {
    const number = this.ids.numberOf(id);
    return number >= 0 && isDeleted(this.deletions, number) ? -1 : number;
  }

  /** A document's terms and their frequencies, in ascending byte order of terms. */
  async vector(document: number): Promise<Map<string, number>> {
    const offsets = this.#vectorOffsets;
    const record = await this.#file.record('vectors', document, offsets[document], offsets[document + 1]);
    const words = new Uint32Array(record.buffer, 0, record.byteLength >> 2);
    const size = words[0];
    if (words.length !== 1 + 2 * size) throw this.#file.corrupt('vectors', `record ${document} is malformed`);
    const vector = new Map<string, number>();
    for (let i = 1; i <= size; i++) vector.set(this.dictionary.term(words[i]), words[i + size]);
    return vector;
  }

  /** A stored document, or undefined where the index was built without storing. */
  async document(document: number): Promise<StoredDocument | undefined> {
    if (!this.#storeOffsets) return undefined;
    const [from, to] = [this.#storeOffsets[document], this.#storeOffsets[document + 1]];
    const record = await this.#file.record('store', document, from, to);
    try {
      return JSON.parse(Buffer.from(record).toString('utf8')) as StoredDocument;
    } catch {
      throw this.#file.corrupt('store', `record ${document} is not JSON`);
    }
  }

  /**
   * Reads the whole file, verifies every checksum, and holds against each other what the file says twice; throws
   * `CORRUPT_FILE` naming the section.
   */
  async verify(): Promise<void> {
    await this.#file.verify();
    const term = this.dictionary.firstOutOfOrder();
    if (term >= 0) throw this.#file.corrupt('terms', `term ${term} is out of order`);
    // Strictly ascending ids are different ones, so that the order has every document once.
    const document = this.ids.firstOutOfOrder();
    if (document >= 0) throw this.#file.corrupt('id-order', `document ${document} is out of order`);
    verifyPostings(this.#file, this.columns);
    await verifyVectors(this.#file, this.columns, this.#vectorOffsets);
    if (this.#storeOffsets) await verifyStore(this.#file, this.columns, this.#storeOffsets);
  }

  /** Closes the file. */
  close(): Promise<void> {
    return this.#file.close();
  }
}

type Parts = [
  IndexFile,
  TermDictionary,
  DocumentIds,
  SearchColumns,
  Float64Array,
  Float64Array | undefined,
  Deletions | undefined,
];

/** The sections that searches read: they lie in the shared memory. */
const resident = [
  'id-order',
  'posting-offsets',
  'posting-documents',
  'posting-codes',
  'code-frequencies',
  'code-lengths',
  'rare-terms',
  'rare-documents',
  'rare-frequencies',
  'document-lengths',
];

async function loaded(
  file: IndexFile,
  deletions: Deletions | undefined,
  make: (...parts: Parts) => Segment,
): Promise<Segment> {
  const { documents, terms, postings } = file.table;
  // Before memory is asked for by a count that only the table gives.
  if (file.place('document-lengths').bytes !== 4 * documents) {
    throw file.corrupt('document-lengths', `does not hold ${documents} lengths`);
  }
  const deletedNumbers = deletions?.documents ?? new Uint32Array();
  let bytes = 4 * documents + 4 * deletedNumbers.length + 64;
  for (const name of resident) if (file.has(name)) bytes += file.place(name).bytes + 16;
  const memory = new SegmentMemory(bytes);
  const allocate: Allocate = (size) => ({ offset: memory.allocate(size), buffer: memory.memory.buffer });
  const numbers = (length: number): Uint32Array =>
    new Uint32Array(memory.memory.buffer, memory.allocate(4 * length), length);

  const termBytes = await file.array('terms', 'u8');
  const termOffsets = await file.places('term-offsets', 'u32', terms + 1, termBytes.length);
  const idBytes = await file.array('ids', 'u8');
  const idOffsets = await file.places('id-offsets', 'f64', documents + 1, idBytes.length);
  const order = await file.array('id-order', 'u32', documents, allocate);
  if (order.some((document) => document >= documents)) {
    throw file.corrupt('id-order', 'names a document that the index does not have');
  }
  const places = numbers(documents);
  order.forEach((document, place) => (places[document] = place));
  const deleted = numbers(deletedNumbers.length);
  deleted.set(deletedNumbers);
  const codeFrequencies = await file.array('code-frequencies', 'u32', undefined, allocate);
  const rareTerms = await file.array('rare-terms', 'u32', undefined, allocate);
  const offsets = await file.places('posting-offsets', 'u32', terms + 1, postings, allocate);
  const dense = denseTermsOf(offsets, documents);
  const denseTerms = numbers(dense.length);
  denseTerms.set(dense);
  const columns: SearchColumns = {
    memory: memory.memory,
    offsets,
    denseTerms,
    denseCodes: numbers(dense.length),
    documents: await file.array('posting-documents', 'i32', postings, allocate),
    codes: await file.array('posting-codes', 'u16', postings, allocate),
    codeFrequencies,
    codeLengths: await file.array('code-lengths', 'u32', codeFrequencies.length, allocate),
    rareTerms,
    rareDocuments: await file.array('rare-documents', 'u32', rareTerms.length, allocate),
    rareFrequencies: await file.array('rare-frequencies', 'u32', rareTerms.length, allocate),
    lengths: await file.array('document-lengths', 'u32', documents, allocate),
    order,
    places,
    deleted,
  };
  checkCounts(file, columns);
  const recordPlaces = (records: string, name: string): Promise<Float64Array> =>
    file.places(name, 'f64', documents + 1, file.place(records).bytes);
  const vectorOffsets = await recordPlaces('vectors', 'vector-offsets');
  const storeOffsets = file.has('store') ? await recordPlaces('store', 'store-offsets') : undefined;
  const dictionary = new TermDictionary(termBytes, termOffsets);
  const ids = new DocumentIds(idBytes, idOffsets, order);
  return make(file, dictionary, ids, columns, vectorOffsets, storeOffsets, deletions);
}

/** Throws `CORRUPT_FILE` unless the table's counts are those of the columns: what the formulas take is then sound. */
function checkCounts(file: IndexFile, columns: SearchColumns): void {
  const { offsets, lengths, codeFrequencies, rareDocuments } = columns;
  let tokens = 0;
  let withTerms = 0;
  for (let i = 0; i < lengths.length; i++) {
    tokens += lengths[i];
    if (lengths[i] > 0) withTerms++;
  }
  const { table } = file;
  if (tokens !== table.tokens || withTerms !== table.documentsWithTerms) {
    throw file.corrupt('document-lengths', 'does not add up to what the table says');
  }
  for (let term = 0; term < table.terms; term++) {
    if (offsets[term + 1] - offsets[term] > withTerms) {
      throw file.corrupt('posting-offsets', `gives term ${term} more postings than there are documents`);
    }
  }
  if (codeFrequencies.length > rareCode) throw file.corrupt('code-frequencies', 'has too many codes');
  if (codeFrequencies.some((frequency) => frequency === 0)) {
    throw file.corrupt('code-frequencies', 'has a frequency of 0');
  }
  if (rareDocuments.some((document) => document >= table.documents)) {
    throw file.corrupt('rare-documents', 'names a document that the index does not have');
  }
}
