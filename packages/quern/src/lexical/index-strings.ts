import { compareBytes } from '../byte-order.ts';
import { QuernError } from '../errors.ts';
import type { IndexFileWriter } from './index-file-writer.ts';

/** The most bytes of terms, or of ids, that 32-bit places can reach. */
const maxBytes = 0xffff_ffff;

/** Writes the sections of the documents' ids, which are in document order. */
export async function writeIds(file: IndexFileWriter, ids: readonly string[]): Promise<void> {
  const offsets = await writeStrings(file, 'ids', ids);
  await file.section('id-offsets', 'f64', offsets);
  const order = Uint32Array.from(ids.keys()).sort((a, b) => compareBytes(ids[a], ids[b]));
  await file.section('id-order', 'u32', order);
}

/** Writes the sections of the terms, which are in byte order. */
export async function writeTerms(file: IndexFileWriter, terms: readonly string[]): Promise<void> {
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
  if (bytes > maxBytes) throw new QuernError('BAD_INPUT', `the ${section} of this corpus exceed 4 GiB`);
  const stream = file.stream(section, 'u8', bytes);
  for (const text of strings) await stream.write(Buffer.from(text));
  await stream.end();
  return offsets;
}

/**
 * A copy of `text` that is part of no other string: V8 keeps the whole text alive that a long slice was cut from. Throws
 * `BAD_INPUT` where `text` is not valid Unicode, as its UTF-8 would then be another's too.
 */
export function ownCopy(text: string, what: string, where: string): string {
  const copy = Buffer.from(text).toString();
  if (copy === text) return copy;
  throw new QuernError('BAD_INPUT', `the ${what} ${JSON.stringify(text)} is not valid Unicode`, {
    where,
    hint: 'It holds half of a surrogate pair',
  });
}

/** `[0, v0, v0 + v1, …]`. */
export function prefixSums(values: ArrayLike<number>): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let i = 0; i < values.length; i++) sums[i + 1] = sums[i] + values[i];
  return sums;
}
