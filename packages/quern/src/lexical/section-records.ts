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
      const checksum = content >= 0 && Buffer.from(record.buffer, record.byteOffset).readUInt32LE(content);
      if (crc32(record.subarray(0, content)) !== checksum) {
        throw file.corrupt(section, `the checksum of record ${number} does not match`);
      }
      const pending = visit(record, number);
      if (pending) await pending;
    }
  }
}

/** Writes the checksum of a record into its last four bytes. */
export function checksumInto(record: Uint8Array): void {
  const end = record.length - 4;
  Buffer.from(record.buffer, record.byteOffset).writeUInt32LE(crc32(record.subarray(0, end)), end);
}

/** The words of a record of `vectors`: how many terms, the terms, their frequencies, the checksum. */
export function vectorWords(file: IndexFile, record: Uint8Array, number: number): Uint32Array {
  const { buffer, byteOffset, byteLength } = record;
  const isWhole = byteOffset % 4 === 0 && byteLength % 4 === 0 && byteLength >= 8;
  const words = isWhole ? new Uint32Array(buffer, byteOffset, byteLength / 4) : undefined;
  if (!words || words.length !== 2 + 2 * words[0]) {
    throw file.corrupt('vectors', `record ${number} is malformed`);
  }
  return words;
}
