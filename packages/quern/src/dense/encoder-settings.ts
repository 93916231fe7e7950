/** The settings of an encoder whose files lie in a folder, and what names all that decides its vectors. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { QuernError } from '../errors.ts';
import { readJsonObject, type JsonObject } from '../models/checkpoint/json-file.ts';
import {
  documentSettings,
  settledPooling,
  settledSettings,
  type EmbeddingSettings,
} from './embedding-settings.ts';
import type { PartialSettings } from './embedding-settings.ts';
import { knownModel } from './known-models.ts';
import { checkpointSettings } from './sentence-transformers.ts';

/** A model in a folder. */
export interface EncoderFolder {
  readonly folder: string;
  /** What the model may be known by. */
  readonly knownAs: string;
  /** Its `config.json`. */
  readonly config: JsonObject;
}

/**
 * What `given` says, then the files of sentence-transformers in the folder, then what is known of the model. Throws `USAGE` where
 * nothing says how vectors are pooled or how many tokens are read, and what reading the files throws.
 */
export async function encoderSettings(
  { folder, knownAs, config }: EncoderFolder,
  given: PartialSettings,
  signal?: AbortSignal,
): Promise<EmbeddingSettings> {
  const named = config['_name_or_path'];
  const names = [knownAs, ...(typeof named === 'string' ? [named] : [])];
  const known = knownModel(names)?.settings ?? {};
  const settled = settledSettings([given, await checkpointSettings(folder, signal), known]);
  return {
    ...settled,
    pooling: settledPooling(settled.pooling, folder),
    maxTokens: await readableTokens(settled.maxTokens, { folder, config }, signal),
  };
}

/** The SHA-256 of all that decides an encoder's vectors of documents, given the hashes of its files. */
export function encoderHash(hashes: readonly string[], settings: EmbeddingSettings): string {
  return createHash('sha256')
    .update(JSON.stringify({ hashes, settings: documentSettings(settings) }))
    .digest('hex');
}

/**
 * How many tokens a model reads: `wanted`, but no more than it has positions for; without it, as many as its tokenizer is
 * for. Throws `USAGE` where its files say neither.
 */
export async function readableTokens(
  wanted: number | undefined,
  { folder, config }: Pick<EncoderFolder, 'folder' | 'config'>,
  signal: AbortSignal | undefined,
): Promise<number> {
  const positions = count(config['max_position_embeddings']);
  if (wanted !== undefined && wanted <= positions) return wanted;
  const tokenizer = await readJsonObject(join(folder, 'tokenizer_config.json'), signal);
  const most = Math.min(positions, wanted ?? count(tokenizer['model_max_length']));
  if (Number.isFinite(most)) return most;
  throw new QuernError('USAGE', 'its files do not say how many tokens it reads', {
    where: folder,
    hint: 'Name the most that it is to read as maxTokens',
  });
}

/** Some write 10^30 where there is no end. */
function count(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) > 2 ? (value as number) : Infinity;
}
