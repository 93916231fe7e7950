import { createHash } from 'node:crypto';
import { readdir, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../errors.ts';
import { makePrivateFolder } from '../private-folder.ts';
import { ProcessLock } from '../process-lock.ts';
import type { OnWork } from '../work.ts';
import type { CheckpointParts } from './checkpoint-parts.ts';
import { convertToGguf } from './convert.ts';
import { waitFor } from './hub/hub-retry.ts';
import { isModelFile } from './model-files.ts';
import type { ModelType } from './gguf/qwen2-metadata.ts';

/** To be raised when conversions come out otherwise than before. */
const converterVersion = 2;

/** How often somebody who waits for another's conversion looks, in milliseconds. */
const lookEvery = 200;

/** What {@link convertedModel} needs beside the checkpoint. */
export interface ConversionOptions {
  readonly type: ModelType;
  /** The folder for converted models. */
  readonly folder: string;
  readonly onWork?: OnWork;
  readonly signal?: AbortSignal;
}

/**
 * The path of a checkpoint converted to GGUF, adapters merged into it: made once, and again when a file of the checkpoint changes (by name, size and
 * time); a conversion that its checkpoint has outlived is removed. Of several processes one converts, and the others wait.
 * Throws what {@link convertToGguf} throws.
 */
export async function convertedModel(
  { folder: checkpoint, adapters }: CheckpointParts,
  options: ConversionOptions,
): Promise<string> {
  const { type, folder, onWork, signal } = options;
  const place = join(folder, digest(await placeOf([checkpoint, ...adapters])).slice(0, 16));
  const path = join(place, `${type}-${(await stateOf([checkpoint, ...adapters])).slice(0, 16)}.gguf`);
  if (await isThere(path)) return path;
  await makePrivateFolder(place).catch((error: unknown) => {
    throw fileError(error, place);
  });
  const guarded = { kind: 'conversion', where: place };
  const lock = await ProcessLock.acquireInTurn(join(place, `${type}.lock`), guarded, () =>
    waitFor(lookEvery, signal),
  );
  try {
    if (await isThere(path)) return path;
    await convertToGguf(checkpoint, { type, out: path, adapters, onWork, signal });
    for (const name of await readdir(place)) {
      const other = join(place, name);
      if (name.startsWith(`${type}-`) && name.endsWith('.gguf') && other !== path)
        await rm(other, { force: true });
    }
    return path;
  } finally {
    await lock.release();
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** What tells a checkpoint and its adapters from others. */
async function placeOf(folders: readonly string[]): Promise<string> {
  const paths: string[] = [];
  for (const folder of folders) paths.push(await realpath(folder).catch(() => folder));
  return paths.join('\n');
}

/** A hash of what the files in folders are called, how large they are and when they were changed. */
async function stateOf(folders: readonly string[]): Promise<string> {
  const facts: unknown[] = [converterVersion];
  for (const folder of folders) {
    const names = (await readdir(folder)).filter(isModelFile).toSorted();
    for (const name of names) {
      const { size, mtimeNs } = await stat(join(folder, name), { bigint: true });
      facts.push([name, String(size), String(mtimeNs)]);
    }
  }
  return digest(JSON.stringify(facts));
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The models that were converted into a folder. */
export interface Conversions {
  readonly models: number;
  readonly bytes: number;
}

/** How many converted models are in `folder`, and how large they are together. */
export async function conversionsIn(folder: string): Promise<Conversions> {
  let models = 0;
  let bytes = 0;
  for (const name of await readdir(folder, { recursive: true }).catch(() => [])) {
    if (!name.endsWith('.gguf')) continue;
    models++;
    bytes += (await stat(join(folder, name)).catch(() => ({ size: 0 }))).size;
  }
  return { models, bytes };
}

/** Removes the converted models in `folder`, and nothing else; says what was removed. They are made again when needed. */
export async function removeConversions(folder: string): Promise<Conversions> {
  const removed = await conversionsIn(folder);
  for (const name of await readdir(folder, { recursive: true }).catch(() => [])) {
    if (name.endsWith('.gguf')) await rm(join(folder, name), { force: true });
  }
  return removed;
}
