import { join } from 'node:path';
import * as z from 'zod';
import { QuernError } from '../errors.ts';
import type { IndexState } from '../lexical/manifest.ts';
import type { EmbedderIdentity } from './embedder.ts';
import { aggregateName, aggregateNamed, type PassageSettings } from './passages.ts';
import type { VectorManifest } from './vector-manifest.ts';

/** What is kept beside vectors. */
export interface IndexVectorsFacts {
  readonly passages: PassageSettings;
  /** The generation of the index that they were made of. */
  readonly generation: number;
  /** Its content, as its manifest says it. */
  readonly content: string;
  /** Whether there may be vectors among them of texts that had been replaced by then. */
  readonly isOutdated: boolean;
}

const factsSchema = z.object({
  passages: z.object({
    words: z.int().positive(),
    stride: z.int().positive(),
    aggregate: z.string(),
  }),
  generation: z.int().nonnegative(),
  content: z.string(),
  isOutdated: z.boolean(),
});

/** The folder of an embedder's vectors in an index's folder. */
export function vectorsFolder(
  folder: string,
  { contentHash }: Pick<EmbedderIdentity, 'contentHash'>,
): string {
  return join(folder, `dense-${contentHash.slice(0, 16)}`);
}

/** What is kept of an index and of how its documents are cut, as JSON. */
export function indexVectorsFacts(
  { generation, content = '' }: IndexState,
  passages: PassageSettings,
  isOutdated: boolean,
): Record<string, unknown> {
  const { words, stride, aggregate } = passages;
  return {
    passages: { words, stride, aggregate: aggregateName(aggregate) },
    generation,
    content,
    isOutdated,
  };
}

/** The facts that {@link indexVectorsFacts} made. Throws `CORRUPT_FILE`. */
export function readIndexVectorsFacts({
  facts,
  folder,
}: Pick<VectorManifest, 'facts'> & { readonly folder: string }): IndexVectorsFacts {
  const { data, error } = factsSchema.safeParse(facts);
  try {
    if (!data) throw error;
    const { aggregate, ...passages } = data.passages;
    return { ...data, passages: { ...passages, aggregate: aggregateNamed(aggregate) } };
  } catch (cause) {
    throw new QuernError('CORRUPT_FILE', 'does not say what its vectors are of', {
      where: folder,
      hint: 'Embed the corpus again, with quern index … --dense',
      cause,
    });
  }
}
