import { crc32 } from 'node:zlib';
import { QuernError, throwIfAborted } from '../errors.ts';
import type { FileWriter } from './file-writer.ts';
import { GrowingUint32Array } from './growing-array.ts';
import type { IndexFileWriter } from './index-file-writer.ts';
import { maxSearchedBytes, searchedBytes } from './index-format.ts';
import { lowerBound } from './lower-bound.ts';
import { PostingCodes, rareCode } from './posting-codes.ts';

/** How much there is to invert. */
interface Size {
  readonly documents: number;
  readonly postings: number;
}

/** Where the section `vectors` lies. */
export interface Vectors {
  readonly start: number;
  readonly bytes: number;
}

/**
 * Copies the pairs of each document, but not of those in `dropped`, into the sections `vectors` and `vector-offsets`,
 * with the terms' final numbers, ascending; returns where they lie. `documents` and `postings` are those of the rest.
 */
export async function writeVectors(
  file: IndexFileWriter,
  pairs: FileWriter,
  { documents, postings }: Size,
  final: Uint32Array,
  dropped: ReadonlySet<number>,
  signal: AbortSignal | undefined,
): Promise<Vectors> {
  const offsets = new Float64Array(documents + 1);
  const section = file.stream('vectors', 'records', documents * 8 + postings * 8);
  let end = 0;
  let written = 0;
  await eachRecord(
    (position, length) => pairs.read(position, length),
    pairs.written,
    (words, at) => 1 + 2 * words[at],
    async (words, at, document) => {
      throwIfAborted(signal);
      if (dropped.has(document)) return;
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
      offsets[++written] = end;
    },
  );
  await section.end();
  await file.section('vector-offsets', 'f64', offsets);
  return { start: section.offset, bytes: end };
}

/**
 * Inverts the vectors into the two columns of postings, in passes: each reads the vectors once and fills the postings of
 * as many consecutive terms as fit `budget`. `lengths` are the documents'. Returns the number of passes.
 */
export async function invert(
  file: IndexFileWriter,
  vectors: Vectors,
  postingOffsets: Float64Array,
  lengths: Uint32Array,
  budget: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const read = (position: number, length: number): Promise<Uint8Array> =>
    file.read(vectors.start + position, length);
  const codes = new PostingCodes();
  await eachRecord(read, vectors.bytes, vectorWords, (words, at, document) => {
    throwIfAborted(signal);
    const count = words[at];
    codes.count(lengths[document], words, at + 1 + count, at + 1 + 2 * count);
  });
  const rareCount = codes.finish();
  const bytes = searchedBytes(lengths.length, postingOffsets.length - 1, postingOffsets.at(-1)!, rareCount);
  if (bytes > maxSearchedBytes) {
    throw new QuernError(
      'BAD_INPUT',
      `a segment of ${lengths.length} documents is too large to be searched`,
      {
        hint: 'Split the corpus and index it in parts, each after the first with --append',
      },
    );
  }
  await file.section('code-frequencies', 'u32', codes.frequencies);
  await file.section('code-lengths', 'u32', codes.lengths);

  const postings = postingOffsets[postingOffsets.length - 1];
  const documents = file.stream('posting-documents', 'i32', postings * 4);
  const codeColumn = file.stream('posting-codes', 'u16', postings * 2);
  const rare = [new GrowingUint32Array(), new GrowingUint32Array(), new GrowingUint32Array()] as const;
  const terms = postingOffsets.length - 1;
  let passes = 0;
  for (let from = 0; from < terms; passes++) {
    let to = from + 1;
    while (to < terms && postingOffsets[to + 1] - postingOffsets[from] <= budget) to++;
    const start = postingOffsets[from];
    const size = postingOffsets[to] - start;
    const documentsOfPass = new Int32Array(size);
    const codesOfPass = new Uint16Array(size);
    const next = postingOffsets.slice(from, to);
    const rareOfPass = [
      new GrowingUint32Array(),
      new GrowingUint32Array(),
      new GrowingUint32Array(),
    ] as const;
    await eachRecord(read, vectors.bytes, vectorWords, (words, at, document) => {
      throwIfAborted(signal);
      const count = words[at];
      const ofLength = codes.ofLength(lengths[document]);
      const one = ofLength.get(1) ?? rareCode;
      for (let i = lowerBound(words, at + 1, at + 1 + count, from); i < at + 1 + count; i++) {
        const term = words[i];
        if (term >= to) break;
        const frequency = words[i + count];
        const code = frequency === 1 ? one : (ofLength.get(frequency) ?? rareCode);
        const place = next[term - from]++ - start;
        documentsOfPass[place] = document;
        codesOfPass[place] = code;
        if (code === rareCode) {
          rareOfPass[0].push(term);
          rareOfPass[1].push(document);
          rareOfPass[2].push(frequency);
        }
      }
    });
    // By term; within a term they are in document order already. (Term, place) as one number sorts without a comparator.
    const found = rareOfPass[0].length;
    const order = Float64Array.from({ length: found }, (_, i) => rareOfPass[0].get(i) * found + i).sort();
    for (const each of order)
      for (const column of [0, 1, 2]) rare[column].push(rareOfPass[column].get(each % found));
    await documents.write(documentsOfPass);
    await codeColumn.write(codesOfPass);
    from = to;
  }
  await documents.end();
  await codeColumn.end();
  await file.section('rare-terms', 'u32', rare[0].view());
  await file.section('rare-documents', 'u32', rare[1].view());
  await file.section('rare-frequencies', 'u32', rare[2].view());
  return passes;
}

/** The size of a record of the section `vectors` in 32-bit words: its size, its terms, their frequencies, a checksum. */
function vectorWords(words: Uint32Array, at: number): number {
  return 2 + 2 * words[at];
}

/** Walks the records of `bytes` bytes of 32-bit words, reading them in large pieces; `wordsOf`: a record's size. */
export async function eachRecord(
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
