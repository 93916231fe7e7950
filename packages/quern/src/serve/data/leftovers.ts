import { rmdir } from 'node:fs/promises';
import { corpusFactsName } from './corpus-facts.ts';
import { isName, readPassingName } from './data-names.ts';
import type { PlainTree } from './plain-tree.ts';

/**
 * Puts a folder of the data folder in order, `corpora` or `indexes`, after a process may have been killed: what was taken out
 * of its place and has no successor goes back, all else under a passing name goes, and so do corpora without a file. Only for who
 * holds the lock.
 */
export async function clearLeftovers(tree: PlainTree, folder: string): Promise<void> {
  const entries = await tree.names(folder);
  const names = new Set(entries.filter(isName));
  for (const entry of entries) {
    const passing = readPassingName(entry);
    if (!passing) continue;
    if (passing.passing === 'old' && !names.has(passing.name)) {
      names.add(passing.name);
      await tree.rename(folder, entry, passing.name);
      continue;
    }
    await tree.remove(folder, entry);
  }
  if (folder === 'corpora') for (const name of names) await removeBareCorpus(tree, name);
}

/** Removes a corpus that has no file: its folder was made for one that did not come. What is no folder stays as it is. */
export async function removeBareCorpus(tree: PlainTree, corpus: string): Promise<void> {
  const folder = ['corpora', corpus];
  const isThere = await tree.hasFolder(...folder).catch(() => false);
  if (!isThere) return;
  await removeEmpty(tree.path(...folder, 'qrels'));
  const names = await tree.names(...folder);
  if (names.some((name) => name !== corpusFactsName)) return;
  await tree.remove(...folder, corpusFactsName);
  await removeEmpty(tree.path(...folder));
}

function removeEmpty(path: string): Promise<void> {
  return rmdir(path).catch(() => undefined);
}
