import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { isName } from '../data/data-names.ts';
import { PlainTree } from '../data/plain-tree.ts';
import { QuernError } from '../../errors.ts';
import { hasIndex } from '../../lexical/manifest.ts';
import type { BuiltIndexes } from './indexes.ts';

/**
 * The indexes of a data folder that another process may have, as `quern serve` has its own: they are read, and nothing in the
 * folder is changed or locked. None where there is no folder.
 */
export function builtIndexesOfOthers(data: string): BuiltIndexes {
  const names = (): string[] => {
    try {
      return readdirSync(join(data, 'indexes')).filter(isName).sort();
    } catch {
      return [];
    }
  };
  return {
    get names() {
      return names();
    },
    named: (name) =>
      isName(name) && names().includes(name)
        ? { index: join(data, 'indexes', name), retriever: 'bm25' }
        : undefined,
    async open(name, opened) {
      const tree = new PlainTree(realpathSync(data));
      // A link in it could show what lies elsewhere.
      await tree.bytes(['indexes', name], { isChecked: true });
      if (await hasIndex(tree.path('indexes', name))) return opened();
      throw new QuernError('NOT_FOUND', 'there is no such index any more', { where: name });
    },
  };
}
