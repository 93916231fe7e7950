/**
 * The vectors of an index: a folder `dense-HASH` in the index's folder, one for each embedder, by the embedder's content hash.
 * They keep what the index was made of when they were made, so that an index that has changed since is noticed.
 */
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as z from 'zod';
import type { Corpus, TextCorpus } from '../collections/corpus.ts';
import { QuernError } from '../errors.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { readManifest, type Manifest } from '../lexical/manifest.ts';
import type { Warnings } from '../warnings.ts';
import type { EmbedderIdentity } from './embedder.ts';
import { aggregateName, aggregateNamed, passagesName, type PassageSettings } from './passages.ts';
import { VectorIndex } from './vector-index.ts';
import { listVectorIndexes, type VectorManifest } from './vector-manifest.ts';

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

/** The vectors of an open index. */
export interface IndexVectors {
  readonly vectors: VectorIndex;
  readonly passages: PassageSettings;
  /** Whether all of them are of the texts that the index has. */
  readonly isUpToDate: boolean;
  /** Whether the index is just what it was when they were made: every document that has vectors is there. */
  readonly isCurrent: boolean;
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
  { generation, content = '' }: Manifest,
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
}: Pick<VectorIndex, 'facts' | 'folder'>): IndexVectorsFacts {
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
    const manifest = await readManifest(folder);
    const isOfThis = content === (manifest.content ?? '');
    if (!isOfThis && !isPartial) checkWhole(vectors, index);
    const isUpToDate = isOfThis && !isOutdated;
    if (!isUpToDate) {
      warnings?.add(
        'texts may have been replaced in the index since its vectors were made, and are found by the old ones: index all again with --dense',
        made,
      );
    }
    // Of documents that were deleted since there still are vectors.
    return { vectors, passages, isUpToDate, isCurrent: isUpToDate && generation === manifest.generation };
  } catch (error) {
    await vectors.close();
    throw error;
  }
}

async function checkMade(embedder: EmbedderIdentity, folder: string): Promise<void> {
  const all = await readableVectors(folder, embedder);
  if (all.some((each) => each.embedder.contentHash === embedder.contentHash)) return;
  const hint = `Make them: quern index CORPUS --out FOLDER --dense ${embedder.id}`;
  const changed = all.find((each) => each.embedder.id === embedder.id);
  if (changed) {
    throw new QuernError('EMBEDDER_MISMATCH', `${embedder.id} has changed since these vectors were made`, {
      where: changed.folder,
      hint,
    });
  }
  const others = all.map((each) => each.embedder.id).join(', ');
  const what = others === '' ? 'no vectors' : `only vectors of ${others}`;
  throw new QuernError('NOT_FOUND', `the index has ${what}, and none of ${embedder.id}`, {
    where: folder,
    hint,
  });
}

/**
 * The vectors of an index. Throws what is wrong with one that cannot be read: with any of them, or only with those of `of`, where
 * others are of no matter.
 */
async function readableVectors(
  folder: string,
  of?: EmbedderIdentity,
): Promise<(VectorManifest & { readonly folder: string })[]> {
  const own = of && vectorsFolder(folder, of);
  return (await listVectorIndexes(folder)).flatMap((listed) => {
    if (!('error' in listed)) return { ...listed.manifest, folder: listed.folder };
    if (own === undefined || listed.folder === own) throw listed.error;
    return [];
  });
}

/** Whether an index has vectors with the name of an embedder, or of its content. Throws what listing them throws. */
export async function hasVectors(embedder: EmbedderIdentity, folder: string): Promise<boolean> {
  const all = await readableVectors(folder, embedder);
  const { id, contentHash } = embedder;
  return all.some((each) => each.embedder.id === id || each.embedder.contentHash === contentHash);
}

/** Throws `USAGE` for a corpus that has no text. */
export function checkEmbeddable(corpus: Corpus): asserts corpus is TextCorpus {
  if (corpus.kind === 'text') return;
  throw new QuernError('USAGE', 'term vectors have no text to embed', { hint: 'Leave the embedder out' });
}

/**
 * Throws `USAGE` unless documents that are added to an index get vectors of just the embedders that it has vectors of, and,
 * where `passages` are given, of passages that are cut as they are; `EMBEDDER_MISMATCH` where one has changed since.
 */
export async function checkVectorsToAppend(
  folder: string,
  embedders: readonly EmbedderIdentity[],
  passages?: PassageSettings,
): Promise<void> {
  const made = await readableVectors(folder);
  for (const { embedder, folder: where, facts } of made) {
    if (embedders.some(({ contentHash }) => contentHash === embedder.contentHash)) {
      if (passages) checkPassages(passages, readIndexVectorsFacts({ facts, folder: where }).passages, where);
      continue;
    }
    if (embedders.some(({ id }) => id === embedder.id)) {
      throw new QuernError(
        'EMBEDDER_MISMATCH',
        `${embedder.id}, or its options, have changed since these vectors were made`,
        { where, hint: 'Use it as it was, or index the whole corpus again' },
      );
    }
    throw new QuernError(
      'USAGE',
      `the index has vectors of ${embedder.id}, and what is added would have none`,
      {
        where,
        hint: `Give --dense ${embedder.id}, or remove this folder`,
      },
    );
  }
  for (const { id, contentHash } of embedders) {
    if (made.some(({ embedder }) => embedder.contentHash === contentHash)) continue;
    throw new QuernError('USAGE', `the index has no vectors of ${id} that could be added to`, {
      where: folder,
      hint: 'Index the whole corpus with --dense first',
    });
  }
}

/** Removes the vectors of an index that was replaced, but for those of these embedders, which are about to be replaced too. */
export async function removeOtherVectors(
  folder: string,
  embedders: readonly EmbedderIdentity[],
): Promise<void> {
  const kept = new Set(embedders.map((embedder) => basename(vectorsFolder(folder, embedder))));
  for (const name of await readdir(folder)) {
    const [, own] = /^(dense-[0-9a-f]{16})(?:\.journal)?$/.exec(name) ?? [];
    if (own === undefined || kept.has(own)) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Throws `BAD_INPUT` where a document of the index has no vectors. */
function checkWhole(vectors: VectorIndex, index: LexicalIndex): void {
  let held = 0;
  for (let i = 0; i < vectors.documents; i++) if (index.has(vectors.documentId(i))) held++;
  const missing = index.facts.documents - held;
  if (missing <= 0) return;
  throw new QuernError('BAD_INPUT', `${missing} of ${index.facts.documents} documents have no vectors`, {
    where: vectors.folder,
    hint: 'They were added later: embed the corpus again, with quern index … --dense',
  });
}

/** Throws `USAGE` where vectors are of passages that are cut in another way. */
export function checkPassages(passages: PassageSettings, before: PassageSettings, where: string): void {
  const [now, then] = [passages, before].map(passagesName);
  if (now === then) return;
  throw new QuernError('USAGE', `these vectors are of passages with ${then}, not ${now}`, {
    where,
    hint: 'Leave --passages out, or embed the whole corpus again',
  });
}
