/**
 * The file of a vector index's documents, `documents-G.quern`, little-endian: where each id begins among the ids, and the end
 * of the last, f64; where each document's rows begin, and the end of the last, u32; the documents in ascending byte order of
 * their ids, u32; the ids' UTF-8.
 */
import { compareBytes } from '../byte-order.ts';
import { DocumentIds } from '../lexical/document-ids.ts';
import { damaged, type VectorManifest } from './vector-manifest.ts';

/** The documents of a vector index. */
export interface VectorDocuments {
  readonly ids: DocumentIds;
  /** In memory that threads share. */
  readonly rowOffsets: Uint32Array;
}

/** The content of the file. `rowOffsets` has one more element than `ids`. */
export function documentsContent(ids: readonly string[], rowOffsets: Uint32Array): Uint8Array[] {
  const texts = ids.map((id) => Buffer.from(id));
  const offsets = new Float64Array(ids.length + 1);
  for (const [i, text] of texts.entries()) offsets[i + 1] = offsets[i] + text.length;
  const order = Uint32Array.from(ids.keys()).sort((a, b) => compareBytes(ids[a], ids[b]));
  const bytes = [offsets, rowOffsets, order].map(
    (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
  );
  return [...bytes, Buffer.concat(texts)];
}

/** What the file holds, which has been read into shared memory. Throws `CORRUPT_FILE` where that does not fit the manifest. */
export function readDocuments(
  content: SharedArrayBuffer,
  { documents, vectors, longest }: VectorManifest,
  where: string,
): VectorDocuments {
  const rowsAt = 8 * (documents + 1);
  const orderAt = rowsAt + 4 * (documents + 1);
  const idsAt = orderAt + 4 * documents;
  if (content.byteLength < idsAt) throw damaged(where, 'is too short for its documents');
  const offsets = new Float64Array(content, 0, documents + 1);
  const rowOffsets = new Uint32Array(content, rowsAt, documents + 1);
  const order = new Uint32Array(content, orderAt, documents);
  if (offsets[0] !== 0 || offsets[documents] !== content.byteLength - idsAt) {
    throw damaged(where, 'the ids do not fill their place');
  }
  if (rowOffsets[0] !== 0 || rowOffsets[documents] !== vectors) {
    throw damaged(where, 'the documents do not have all the vectors');
  }
  for (let document = 0; document < documents; document++) {
    const rows = rowOffsets[document + 1] - rowOffsets[document];
    if (!(rows >= 1 && rows <= longest && offsets[document + 1] >= offsets[document])) {
      throw damaged(where, `document ${document} has no place`);
    }
    if (order[document] >= documents) throw damaged(where, 'the order of the ids is none');
  }
  return { ids: new DocumentIds(new Uint8Array(content, idsAt), offsets, order), rowOffsets };
}
