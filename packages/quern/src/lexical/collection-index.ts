import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Collection } from '../collections/collection.ts';
import { fileError, QuernError } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import { checkAnalyzer, indexCorpus, type IndexCorpusOptions } from './index-corpus.ts';
import { LexicalIndex } from './lexical-index.ts';
import { hasIndex } from './manifest.ts';

/** How the index of a collection is come by. */
export interface CollectionIndexOptions extends Pick<
  IndexCorpusOptions,
  'analyzer' | 'store' | 'onProgress' | 'signal'
> {
  /** The folder of its index: opened if there is one, else built there. Without it, an index is built for the moment. */
  readonly folder?: string;
  /** Told how many bytes the corpus has, before it is indexed. */
  readonly onBuild?: (bytes: number | undefined) => void;
  readonly warnings?: Warnings;
}

/** An open index of a collection, and how to be done with it. */
export interface CollectionIndex {
  readonly index: LexicalIndex;
  /** Its folder. */
  readonly folder: string;
  /** Whether it was built just now. */
  readonly built: boolean;
  /** Closes the index, and removes it if it was only for the moment. */
  close(): Promise<void>;
}

/**
 * Opens the index of a collection, building it where there is none. Throws `ANALYZER_MISMATCH` when `analyzer`
 * contradicts the index or the collection's term vectors, and `BAD_INPUT` when the index has none of the relevant
 * documents: it is another corpus's. If it lacks some, they are counted as warnings.
 */
export async function openCollectionIndex(
  collection: Collection,
  options: CollectionIndexOptions = {},
): Promise<CollectionIndex> {
  const { analyzer, folder, warnings } = options;
  if (folder !== undefined && (await hasIndex(folder))) {
    const index = await openIndexMadeWith(folder, analyzer);
    try {
      checkRelevant(collection, (id) => index.has(id), warnings);
    } catch (error) {
      await index.close();
      throw error;
    }
    return { index, folder, built: false, close: () => index.close() };
  }
  const corpus = await collection.corpus();
  options.onBuild?.(corpus.bytes);
  const temporary = folder === undefined ? await temporaryFolder() : undefined;
  const remove = async (): Promise<void> => {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  };
  try {
    const out = folder ?? join(temporary!, 'index');
    // Term vectors have no text to keep.
    const store = options.store && corpus.kind === 'text';
    const { onProgress, signal } = options;
    await indexCorpus(corpus, { out, analyzer, store, onProgress, signal });
    const index = await LexicalIndex.open(out);
    try {
      checkRelevant(collection, (id) => index.has(id), warnings);
    } catch (error) {
      await index.close();
      throw error;
    }
    return {
      index,
      folder: out,
      built: true,
      close: async () => {
        await index.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Opens an index. Throws `ANALYZER_MISMATCH` when `analyzer`, if given, did not make it, and what opening it throws. */
export async function openIndexMadeWith(folder: string, analyzer?: string): Promise<LexicalIndex> {
  const index = await LexicalIndex.open(folder);
  try {
    if (analyzer !== undefined) checkAnalyzer(analyzer, index.analyzer, `the index ${folder} was made with`);
    return index;
  } catch (error) {
    await index.close();
    throw error;
  }
}

async function temporaryFolder(): Promise<string> {
  const folder = tmpdir();
  try {
    return await mkdtemp(join(folder, 'quern-'));
  } catch (error) {
    throw fileError(error, `${folder} (TMPDIR)`);
  }
}

/**
 * Holds the relevant documents against an index. Throws `BAD_INPUT` when it has none of them; those that it lacks are counted as
 * warnings.
 */
export function checkRelevant(
  { name, qrels }: Collection,
  has: (id: string) => boolean,
  warnings: Warnings | undefined,
): void {
  let known = 0;
  const missing: string[] = [];
  for (const [topic, judgements] of qrels) {
    for (const [id, level] of judgements) {
      if (level <= 0) continue;
      if (has(id)) known++;
      else missing.push(`${name}, topic ${topic}, document ${id}`);
    }
  }
  if (known === 0 && missing.length > 0) {
    throw new QuernError('BAD_INPUT', `the index has none of the relevant documents of ${name}`, {
      hint: 'Is it the index of another corpus?',
    });
  }
  for (const place of missing) warnings?.add('relevant document is not in the index', place);
}
