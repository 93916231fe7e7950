import { basename, dirname, join, resolve } from 'node:path';
import type { BrightSubset } from './bright-subsets.ts';
import { firstFile } from './files.ts';

/**
 * The analyzers behind the vectors of the local BRIGHT layout, where they are known. Those of `theoremqa_theorems` were
 * decoded from the Lucene index that RaDeR published (github.com/Debrup-61/RaDeR at 3a127e4), whose texts had gone
 * through Lucene's English analysis twice. That is a quirk of this index alone: BRIGHT's texts are analysed once.
 */
const KNOWN_ANALYZERS: Partial<Record<BrightSubset, string>> = { theoremqa_theorems: 'english+english' };

/**
 * The analyzer of a vectors file, if it is known because the file lies in the local BRIGHT layout: in a folder named
 * after a subset, beside the `topics` folder that holds this subset's topics.
 */
export async function brightVectorsAnalyzer(path: string): Promise<string | undefined> {
  const folder = dirname(resolve(path));
  const subset = basename(folder) as BrightSubset;
  if (!Object.hasOwn(KNOWN_ANALYZERS, subset)) return undefined;
  const topics = await firstFile(join(dirname(folder), 'topics'), brightTopicsFiles(subset));
  return topics === undefined ? undefined : KNOWN_ANALYZERS[subset];
}

/** The names of a subset's topics file in the local BRIGHT layout (where subsets are spelt with hyphens). */
export function brightTopicsFiles(subset: BrightSubset): string[] {
  const name = `topics.bright-${subset.replaceAll('_', '-')}-original.jsonl`;
  return [`${name}.gz`, name];
}
