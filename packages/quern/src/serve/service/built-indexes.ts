import type { DataFolder } from '../data/data-folder.ts';
import { isName } from '../data/data-names.ts';
import type { BuiltIndexes } from './indexes.ts';

/** The indexes of the data folder as they are searched: by `bm25` unless a request names another retriever. */
export function builtIndexes({ indexes }: Pick<DataFolder, 'indexes'>): BuiltIndexes {
  return {
    get names() {
      return indexes.known;
    },
    named: (name) =>
      isName(name) && indexes.known.includes(name)
        ? { index: indexes.folder(name), retriever: 'bm25' }
        : undefined,
    open: (name, opened) => indexes.open(name, opened),
  };
}
