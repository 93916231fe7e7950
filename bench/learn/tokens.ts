/** Tokens of many documents as a file, each document with its end: a large text is tokenized once. */
import { readFile, writeFile } from 'node:fs/promises';

/** Writes documents, which may be any number; ids are below 65,536. */
export async function writeTokens(path: string, documents: Iterable<readonly number[]>): Promise<void> {
  const parts = Array.from(documents, (tokens) => Uint16Array.from(tokens));
  await writeFile(path, Buffer.concat(parts.map((part) => new Uint8Array(part.buffer))));
}

/** The documents of a file, each ending with `end`. */
export async function readTokens(path: string, end: number): Promise<Uint16Array[]> {
  const bytes = await readFile(path);
  const all = new Uint16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const documents: Uint16Array[] = [];
  for (let from = 0; from < all.length;) {
    const to = all.indexOf(end, from) + 1;
    if (to === 0) throw new Error(`${path} breaks off`);
    documents.push(all.subarray(from, to));
    from = to;
  }
  return documents;
}
