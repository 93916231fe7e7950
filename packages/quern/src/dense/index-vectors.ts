/**
 * The vectors of an index: a folder `dense-HASH` in the index's folder, one for each embedder, by the embedder's content hash.
 * They keep what the index was made of when they were made, so that an index that has changed since is noticed.
 */
import { QuernError } from '../errors.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import type { Warnings } from '../warnings.ts';
import type { EmbedderIdentity } from './embedder.ts';
import type { PassageSettings } from './passages.ts';
import { VectorIndex } from './vector-index.ts';
import { readIndexVectorsFacts, vectorsFolder } from './vectors-facts.ts';
import { readableVectors } from './vectors-made.ts';

/** The vectors of an open index. */
export interface IndexVectors {
  readonly vectors: VectorIndex;
  readonly passages: PassageSettings;
  /** Whether all of them are of the texts that the index has. */
  readonly isUpToDate: boolean;
  /** Whether the index is just what it was when they were made: every document that has vectors is there. */
  readonly isCurrent: boolean;
}

/** The index whose vectors are opened. */
export interface OpenIndexVectorsOptions {
  readonly index: LexicalIndex;
  readonly folder: string;
  readonly warnings?: Warnings;
  /** Whether documents of the index may be without vectors: they are about to be made. */
  readonly isPartial?: boolean;
}

/**
 * Opens the vectors that an embedder has made for an index. Throws `NOT_FOUND` where there are none, `EMBEDDER_MISMATCH` where
 * those with its name are of another content, `BAD_INPUT` where documents of the index have none; a document whose text was
 * replaced in the index since is found by its old vectors, which is counted among `warnings`.
 */
export async function openIndexVectors(
  embedder: EmbedderIdentity,
  { index, folder, warnings, isPartial }: OpenIndexVectorsOptions,
): Promise<IndexVectors> {
  const made = vectorsFolder(folder, embedder);
  await checkMade(embedder, folder);
  const vectors = await VectorIndex.open(made);
  try {
    const { passages, generation, content, isOutdated } = readIndexVectorsFacts(vectors);
    const isOfThis = content === (index.state.content ?? '');
    if (!isOfThis && !isPartial) checkWhole(vectors, index);
    const isUpToDate = isOfThis && !isOutdated;
    if (!isUpToDate) {
      warnings?.add(
        'texts may have been replaced in the index since its vectors were made, and are found by the old ones: index all again with --dense',
        made,
      );
    }
    // Of documents that were deleted since there still are vectors.
    return { vectors, passages, isUpToDate, isCurrent: isUpToDate && generation === index.state.generation };
  } catch (error) {
    await vectors.close();
    throw error;
  }
}

async function checkMade(embedder: EmbedderIdentity, folder: string): Promise<void> {
  const all = await readableVectors(folder, embedder);
  if (all.some((each) => each.embedder.contentHash === embedder.contentHash)) return;
  const again = `quern index CORPUS --out ${folder} --dense ${embedder.id}, which replaces the index`;
  const hint = `Make them: ${again}`;
  const changed = all.find((each) => each.embedder.id === embedder.id);
  if (changed) {
    throw new QuernError(
      'EMBEDDER_MISMATCH',
      `${embedder.id}, its options or Quern's way of embedding have changed since these vectors were made`,
      {
        where: changed.folder,
        hint: `Give --pooling, --embed-tokens and --document-instruction as they were given then, or embed again: ${again}`,
      },
    );
  }
  const others = all.map((each) => each.embedder.id).join(', ');
  const only = others === '' ? '' : `, only those of ${others}`;
  throw new QuernError('NOT_FOUND', `the index has no vectors of ${embedder.id}${only}`, {
    where: folder,
    hint,
  });
}

/** Throws `BAD_INPUT` where a document of the index has no vectors. */
function checkWhole(vectors: VectorIndex, index: LexicalIndex): void {
  let held = 0;
  for (let i = 0; i < vectors.documents; i++) if (index.has(vectors.documentId(i))) held++;
  const missing = index.facts.documents - held;
  if (missing <= 0) return;
  throw new QuernError('BAD_INPUT', `${missing} of ${index.facts.documents} documents have no vectors`, {
    where: vectors.folder,
    hint: 'They were added later, or embedding was not ended: give quern index … --dense again',
  });
}
