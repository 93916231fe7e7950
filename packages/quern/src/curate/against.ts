import { BRIGHT_SUBSETS } from '../collections/bright-subsets.ts';
import { readBrightTexts } from '../collections/bright.ts';
import { collectionQueries } from '../collections/collection.ts';
import { dataFolder, hubCacheFolder } from '../collections/environment.ts';
import { QuernError } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import { ProtectedTexts } from './protected-texts.ts';
import { withoutFolders } from './recorded-options.ts';

/** What the training data is to be free of. */
export interface AgainstOptions {
  /** Collections by their names, all of whose queries are protected; of BRIGHT the gold answers too. */
  readonly against: readonly string[];
  readonly data?: string;
  readonly signal?: AbortSignal;
  readonly warnings?: Warnings;
}

/** What was protected: a collection's name, and how many texts of it. */
export interface ProtectedCollection {
  readonly collection: string;
  readonly texts: number;
}

/** BRIGHT as a whole, which every run is held against. */
export const bright = 'bright:all';

/**
 * The texts that training data must not hold: the queries of the collections, of every split, and BRIGHT's gold answers.
 * BRIGHT is protected whether it is named or not; only where it is not named its subsets may be missing, which are
 * warnings. Throws what opening a collection throws.
 */
export async function protectedTexts({
  against,
  data,
  signal,
  warnings,
}: AgainstOptions): Promise<{ texts: ProtectedTexts; collections: ProtectedCollection[] }> {
  const texts = new ProtectedTexts();
  const collections: ProtectedCollection[] = [];
  const names = [...new Set([bright, ...against])];
  for (const name of names) {
    const before = texts.size;
    const missing = name === bright && !against.includes(bright) ? warnings : undefined;
    for (const text of await textsOf(name, {
      data,
      signal,
      isRequired: name !== bright || against.includes(bright),
      warnings: missing,
    }))
      texts.add(text);
    if (texts.size > before)
      collections.push({ collection: withoutFolders(name), texts: texts.size - before });
  }
  return { texts, collections };
}

async function textsOf(
  name: string,
  {
    data = dataFolder(),
    isRequired,
    signal,
    warnings,
  }: { data?: string; isRequired: boolean; signal?: AbortSignal; warnings?: Warnings },
): Promise<{ id: string; text: string }[]> {
  const found: { id: string; text: string }[] = [];
  if (name === bright) {
    const places = { data, hubCache: hubCacheFolder() };
    for (const subset of BRIGHT_SUBSETS) {
      try {
        found.push(...(await readBrightTexts(subset, places, { signal })));
      } catch (error) {
        if (isRequired || !(error instanceof QuernError) || error.code !== 'NOT_FOUND') throw error;
        warnings?.add(
          'BRIGHT is not here, so the data is not held against it',
          `${subset} (${error.hint ?? error.what})`,
        );
      }
    }
    return found;
  }
  const shown = withoutFolders(name);
  for (const { id, text } of await collectionQueries(name, { data, signal })) {
    found.push({ id: `${shown}/${id}`, text });
  }
  return found;
}
