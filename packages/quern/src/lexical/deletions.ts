/**
 * Which documents of a segment are deleted, and what they took part in: a file of its own, `deleted-N-G.quern`, as
 * segments never change. Each replaces the one before it and lists all deletions. Little-endian:
 *
 *     "QUERNDEL"  version u32  0 u32
 *     deleted documents D u32  those with terms u32  affected terms T u32  0 u32  their tokens f64
 *     D document numbers u32, ascending
 *     T term numbers u32, ascending
 *     T u32: how many of the deleted documents have the term
 *     CRC-32 of all this u32
 *
 * So that who reads the index knows the number of living documents, their mean length and how many of them have a term
 * without looking at a posting.
 */
import { open, readFile, rename, stat } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { fileError, QuernError, throwIfAborted } from '../errors.ts';
import type { IndexFile } from './index-file.ts';
import { formatVersion, wrongVersion, type IndexFacts } from './index-format.ts';
import { partialName } from './index-folder.ts';
import { lowerBound } from './lower-bound.ts';
import { vectorWords, visitRecords } from './section-records.ts';

/** The deleted documents of a segment, and what to take off its statistics. */
export interface Deletions {
  /** Their numbers, ascending. */
  readonly documents: Uint32Array;
  /** How many of them have terms. */
  readonly documentsWithTerms: number;
  /** All their tokens. */
  readonly tokens: number;
  /** All their postings. */
  readonly postings: number;
  /** The numbers of the terms that they have, ascending. */
  readonly terms: Uint32Array;
  /** How many of them have each of `terms`. */
  readonly documentFrequencies: Uint32Array;
}

const magic = 'QUERNDEL';
const headBytes = 40;

/** Whether `document` is among the deleted. */
export function isDeleted(deletions: Deletions | undefined, document: number): boolean {
  if (!deletions) return false;
  const { documents } = deletions;
  return documents[deletedBefore(documents, document)] === document;
}

/** How many of the ascending numbers lie below `document`; also its place among them, if it is there. */
export function deletedBefore(deleted: Uint32Array, document: number): number {
  return lowerBound(deleted, 0, deleted.length, document);
}

/** The numbers of the documents of a segment that are not deleted, ascending. */
export function liveDocuments(documents: number, deletions: Deletions | undefined): Uint32Array {
  const deleted = deletions?.documents ?? new Uint32Array();
  const live = new Uint32Array(documents - deleted.length);
  for (let document = 0, next = 0, at = 0; document < documents; document++) {
    if (deleted[next] === document) next++;
    else live[at++] = document;
  }
  return live;
}

/** The deletions of a segment with those of `more` documents, which are not among them yet. Reads their vectors. */
export async function withDeleted(
  file: IndexFile,
  deletions: Deletions | undefined,
  more: Iterable<number>,
  signal?: AbortSignal,
): Promise<Deletions> {
  const added = Uint32Array.from(more).sort();
  const { documents, terms } = file.table;
  const offsets = await file.places('vector-offsets', 'f64', documents + 1, file.place('vectors').bytes);
  if (file.place('term-offsets').bytes !== 4 * (terms + 1)) {
    throw file.corrupt('term-offsets', `does not hold the places of ${terms} terms`);
  }
  const frequencies = new Uint32Array(terms);
  deletions?.terms.forEach((term, i) => (frequencies[term] = deletions.documentFrequencies[i]));
  let { documentsWithTerms, tokens, postings } = deletions ?? {
    documentsWithTerms: 0,
    tokens: 0,
    postings: 0,
  };
  await visitRecords(file, 'vectors', offsets, added, (record, number) => {
    throwIfAborted(signal);
    const words = vectorWords(file, record, number);
    const size = words[0];
    for (let i = 1; i <= size; i++) {
      if (words[i] >= terms) throw file.corrupt('vectors', `record ${number} is malformed`);
      frequencies[words[i]]++;
      tokens += words[i + size];
    }
    postings += size;
    if (size > 0) documentsWithTerms++;
  });
  const affected: number[] = [];
  for (let term = 0; term < terms; term++) if (frequencies[term] > 0) affected.push(term);
  return {
    documents: merged(deletions?.documents, added),
    documentsWithTerms,
    tokens,
    postings,
    terms: Uint32Array.from(affected),
    documentFrequencies: Uint32Array.from(affected, (term) => frequencies[term]),
  };
}

function merged(some: Uint32Array | undefined, more: Uint32Array): Uint32Array {
  if (!some) return more;
  const all = new Uint32Array(some.length + more.length);
  all.set(some);
  all.set(more, some.length);
  return all.sort();
}

/** Writes deletions to `path`, durable; the folder's entry is not. */
export async function writeDeletions(path: string, deletions: Deletions): Promise<void> {
  const { documents, documentsWithTerms, tokens, terms, documentFrequencies } = deletions;
  const bytes = Buffer.alloc(headBytes + 4 * (documents.length + 2 * terms.length) + 4);
  bytes.write(magic, 0, 'latin1');
  bytes.writeUInt32LE(formatVersion, 8);
  bytes.writeUInt32LE(documents.length, 16);
  bytes.writeUInt32LE(documentsWithTerms, 20);
  bytes.writeUInt32LE(terms.length, 24);
  bytes.writeDoubleLE(tokens, 32);
  let at = headBytes;
  for (const { buffer, byteOffset, byteLength } of [documents, terms, documentFrequencies]) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(0, at)), at);
  try {
    const file = await open(partialName(path), 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partialName(path), path);
  } catch (error) {
    throw fileError(error, path);
  }
}

/**
 * Reads the deletions at `path`, in the segment of which `facts` are known. Throws `NOT_FOUND`, `CORRUPT_FILE` or
 * `WRONG_VERSION`.
 */
export async function readDeletions(path: string, facts: IndexFacts): Promise<Deletions> {
  let bytes: Buffer;
  try {
    if (!(await stat(path)).isFile()) throw corrupt(path, 'not a regular file');
    bytes = await readFile(path);
  } catch (error) {
    throw fileError(error, path);
  }
  if (bytes.length < headBytes + 4 || bytes.toString('latin1', 0, 8) !== magic) {
    throw corrupt(path, 'not a file of deletions');
  }
  const version = bytes.readUInt32LE(8);
  if (version !== formatVersion) throw wrongVersion(path, version);
  const end = bytes.length - 4;
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) {
    throw corrupt(path, 'the checksum does not match');
  }
  const [deleted, documentsWithTerms, terms] = [16, 20, 24].map((at) => bytes.readUInt32LE(at));
  if (end !== headBytes + 4 * (deleted + 2 * terms)) throw corrupt(path, 'its size is not what it says');
  // A copy, as a small file lies anywhere in a buffer that is shared.
  const words = new Uint32Array(Uint8Array.from(bytes.subarray(headBytes, end)).buffer);
  const deletions = {
    documents: words.slice(0, deleted),
    documentsWithTerms,
    tokens: bytes.readDoubleLE(32),
    postings: 0,
    terms: words.slice(deleted, deleted + terms),
    documentFrequencies: words.slice(deleted + terms),
  };
  for (const frequency of deletions.documentFrequencies) deletions.postings += frequency;
  if (!fits(deletions, facts)) throw corrupt(path, 'does not fit the segment that it belongs to');
  return deletions;
}

function fits(deletions: Deletions, facts: IndexFacts): boolean {
  const { documents, documentsWithTerms, tokens, terms, documentFrequencies, postings } = deletions;
  return (
    ascendBelow(documents, facts.documents) &&
    ascendBelow(terms, facts.terms) &&
    documentsWithTerms <= Math.min(documents.length, facts.documentsWithTerms) &&
    Number.isSafeInteger(tokens) &&
    tokens >= 0 &&
    tokens <= facts.tokens &&
    postings <= facts.postings &&
    documentFrequencies.every((count) => count >= 1 && count <= documentsWithTerms)
  );
}

function ascendBelow(numbers: Uint32Array, end: number): boolean {
  for (let i = 1; i < numbers.length; i++) if (numbers[i] <= numbers[i - 1]) return false;
  return numbers.length === 0 || numbers[numbers.length - 1] < end;
}

function corrupt(where: string, what: string): QuernError {
  return new QuernError('CORRUPT_FILE', what, {
    where,
    hint: 'The index is damaged: build it again',
  });
}
