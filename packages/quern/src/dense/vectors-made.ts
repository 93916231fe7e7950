/** Which vectors an index has, and whether what is to be done goes with them. */
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { QuernError } from '../errors.ts';
import type { DenseSettings } from './dense-settings.ts';
import type { EmbedderIdentity } from './embedder.ts';
import { passagesName, type PassageSettings } from './passages.ts';
import { listVectorIndexes, type VectorManifest } from './vector-manifest.ts';
import { readIndexVectorsFacts, vectorsFolder } from './vectors-facts.ts';

/**
 * The vectors of an index. Throws what is wrong with one that cannot be read: with any of them, or only with those of `of`, where
 * others are of no matter.
 */
export async function readableVectors(
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
        `${embedder.id}, its options or Quern's way of embedding have changed since these vectors were made`,
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

/**
 * Throws `USAGE` where the vectors that an embedder has in an index were made otherwise than these settings say, as far as they say
 * anything; nothing where there are none.
 */
export async function checkMadeAs(
  embedder: EmbedderIdentity,
  folder: string,
  { passages, precision, method }: DenseSettings,
): Promise<void> {
  const where = vectorsFolder(folder, embedder);
  const all = await listVectorIndexes(folder);
  const made = all.find((each) => each.folder === where);
  if (!made || 'error' in made) return;
  const { manifest } = made;
  const { passages: then } = readIndexVectorsFacts({ facts: manifest.facts, folder: where });
  if (passages) checkPassages(passages, then, where);
  const given = { precision, method: method === 'auto' ? undefined : method };
  for (const name of ['precision', 'method'] as const) {
    if (given[name] === undefined || given[name] === manifest[name]) continue;
    throw new QuernError('USAGE', `these vectors have ${name} ${manifest[name]}, not ${given[name]}`, {
      where,
      hint: 'Leave it out, or embed the whole corpus again',
    });
  }
}

/** The names of the embedders whose vectors {@link removeOtherVectors} would remove, as far as they can be read. */
export async function vectorsThatGo(
  folder: string,
  embedders: readonly EmbedderIdentity[],
): Promise<string[]> {
  const all = await listVectorIndexes(folder);
  return all.flatMap((each) => {
    if ('error' in each) return [];
    const { id, contentHash } = each.manifest.embedder;
    return embedders.some((embedder) => embedder.contentHash === contentHash) ? [] : id;
  });
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

/** Throws `USAGE` where vectors are of passages that are cut in another way. */
export function checkPassages(passages: PassageSettings, before: PassageSettings, where: string): void {
  const [now, then] = [passages, before].map(passagesName);
  if (now === then) return;
  throw new QuernError('USAGE', `these vectors are of passages with ${then}, not ${now}`, {
    where,
    hint: 'Leave --passages out, or embed the whole corpus again',
  });
}
