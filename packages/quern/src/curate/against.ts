import { BRIGHT_SUBSETS } from '../collections/bright-subsets.ts';
import { readBrightTexts } from '../collections/bright.ts';
import { collectionQueries } from '../collections/collection.ts';
import { dataFolder, hubCacheFolder } from '../collections/environment.ts';
import { QuernError } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import { ProtectedTexts } from './protected-texts.ts';

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
 * The texts that training data must not hold: the queries of the collections, of every split, and BRIGHT's gold answers. BRIGHT is
 * protected whether it is named or not; only where it is not named it may be missing, which is a warning. Throws what opening a
 * collection throws.
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
    try {
      for (const text of await textsOf(name, { data, signal })) texts.add(text);
    } catch (error) {
      const isMissing = error instanceof QuernError && error.code === 'NOT_FOUND';
      if (!isMissing || against.includes(name)) throw error;
      warnings?.add(
        'BRIGHT is not here, so the data is not held against it',
        `--data (${error.hint ?? error.what})`,
      );
      continue;
    }
    collections.push({ collection: name, texts: texts.size - before });
  }
  return { texts, collections };
}

async function textsOf(
  name: string,
  { data = dataFolder(), signal }: { data?: string; signal?: AbortSignal },
): Promise<{ id: string; text: string }[]> {
  const found: { id: string; text: string }[] = [];
  if (name === bright) {
    const places = { data, hubCache: hubCacheFolder() };
    for (const subset of BRIGHT_SUBSETS) found.push(...(await readBrightTexts(subset, places, { signal })));
    return found;
  }
  for (const { id, text } of await collectionQueries(name, { data, signal })) {
    found.push({ id: `${name}/${id}`, text });
  }
  return found;
}
