import { LexicalIndex, type StoredDocument } from '../lexical/lexical-index.ts';
import { isOpenSearchName } from '../opensearch/address.ts';
import { OpenSearchIndex } from '../opensearch/open-search-index.ts';

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
  for (const id of ids) {
    const document = await index.document(id);
    if (document) documents.set(id, document);
  }
  return documents;
}
