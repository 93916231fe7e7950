import { QuernError } from '../../errors.ts';
import { passingName } from './data-names.ts';
import type { PlainTree } from './plain-tree.ts';

/**
 * Removes an entry of the data folder, whole or not at all, as its name goes first; what cannot be removed then is cleared away when
 * the folder is opened. `name` is what it was called, where it has a passing name.
 */
export async function takeAway(
  tree: PlainTree,
  folder: 'corpora' | 'indexes',
  entry: string,
  name = entry,
): Promise<void> {
  const gone = passingName(name, 'gone');
  await tree.rename(folder, entry, gone);
  await tree.remove(folder, gone).catch(() => undefined);
}

/** The error for a corpus or an index that is not there. */
export function notFound(what: 'corpus' | 'index', name: string): QuernError {
  return new QuernError('NOT_FOUND', `there is no ${what} ${name}`);
}

/** The error for one that cannot be deleted now. */
export function inUse(what: 'corpus' | 'index', name: string, why: string): QuernError {
  return new QuernError('LOCKED', `the ${what} ${name} ${why}`, { hint: 'Try again when that is done' });
}
