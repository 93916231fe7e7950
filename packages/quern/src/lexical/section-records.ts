import { crc32 } from 'node:zlib';
import type { IndexFile } from './index-file.ts';

/** The most bytes that are read at a time, and the most between two records that are read to have both at once. */
const pieceBytes = 4 << 20;
const gapBytes = 1 << 16;

/**
 * Reads records of a section (`vectors`, `store`), many at a time, and hands each to `visit` with its checksum, verified,
 * as the last four bytes. `numbers` are those of the documents, ascending. Throws `CORRUPT_FILE`.
 */
export async function visitRecords(
  file: IndexFile,
  section: string,
  offsets: Float64Array,
  numbers: Uint32Array,
  visit: (record: Uint8Array, number: number) => Promise<void> | void,
): Promise<void> {
  for (let i = 0; i < numbers.length;) {
    const start = offsets[numbers[i]];
    let end = offsets[numbers[i] + 1];
    let next = i + 1;
    while (next < numbers.length) {
      const [from, to] = [offsets[numbers[next]], offsets[numbers[next] + 1]];
      if (from - end > gapBytes || to - start > pieceBytes) break;
      end = to;
      next++;
    }
    const piece = await file.bytes(section, start, end - start);
    for (; i < next; i++) {
      const number = numbers[i];
      const record = piece.subarray(offsets[number] - start, offsets[number + 1] - start);
      const content = record.length - 4;
      const checksum = content < 0 ? -1 : Buffer.from(record.buffer, record.byteOffset).readUInt32LE(content);
      if (crc32(record.subarray(0, content)) !== checksum) {
        throw file.corrupt(section, `the checksum of record ${number} does not match`);
      }
      const pending = visit(record, number);
      if (pending) await pending;
    }
  }
}

/** The words of a record of `vectors`: how many terms, the terms, their frequencies, the checksum. */
export function vectorWords(file: IndexFile, record: Uint8Array, number: number): Uint32Array {
  const words =
    record.byteLength % 4 === 0
      ? new Uint32Array(record.buffer, record.byteOffset, record.byteLength / 4)
      : [];
  if (!(words instanceof Uint32Array) || words.length !== 2 + 2 * words[0]) {
    throw file.corrupt('vectors', `record ${number} is malformed`);
  }
  return words;
}
