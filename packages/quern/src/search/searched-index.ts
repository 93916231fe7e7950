import { LexicalIndex, type StoredDocument } from '../lexical/lexical-index.ts';
import { isOpenSearchName } from '../opensearch/address.ts';
import { OpenSearchIndex } from '../opensearch/open-search-index.ts';

/** How many stored documents are read at once. */
const readAtOnce = 64;

/** An open index that can be searched: a folder's, or one in an OpenSearch cluster. */
export type SearchedIndex = LexicalIndex | OpenSearchIndex;

/** Opens the index in a folder, or `opensearch:INDEX@URL`. Throws what opening either throws. */
export function openSearchedIndex(name: string, signal?: AbortSignal): Promise<SearchedIndex> {
  return isOpenSearchName(name) ? OpenSearchIndex.open(name, signal) : LexicalIndex.open(name);
}

/** Stored documents by their ids, as far as there are any. */
export async function storedDocuments(
  index: SearchedIndex,
  ids: readonly string[],
): Promise<Map<string, StoredDocument>> {
  if (index instanceof OpenSearchIndex) return index.documents(ids);
  const documents = new Map<string, StoredDocument>();
  // Each read takes a turn of the event loop: one after the other, they would wait for whatever else is served.
  for (let at = 0; at < ids.length; at += readAtOnce) {
    const some = ids.slice(at, at + readAtOnce);
    const found = await Promise.all(some.map((id) => index.document(id)));
    for (const [i, document] of found.entries()) if (document) documents.set(some[i]!, document);
  }
  return documents;
}
