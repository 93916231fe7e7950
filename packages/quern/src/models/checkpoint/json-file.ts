import { join } from 'node:path';
import { QuernError } from '../../errors.ts';
import { RangedFile } from './file-ranges.ts';

/** A JSON object as it was read: nothing is known of its values. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** No file of a checkpoint that is read whole comes near it. */
const maxBytes = 256 * 1024 * 1024;

/**
 * The JSON object that a file of a checkpoint holds. Throws `NOT_FOUND`, `IO`, and `CORRUPT_FILE` where it is no UTF-8,
 * no JSON, or something else than an object.
 */
export async function readJsonObject(path: string, signal?: AbortSignal): Promise<JsonObject> {
  const text = await readText(path, signal);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new QuernError('CORRUPT_FILE', `is not JSON: ${(error as Error).message}`, { where: path, hint });
  }
  if (!isJsonObject(value))
    throw new QuernError('CORRUPT_FILE', 'is not a JSON object', { where: path, hint });
  return value;
}

/** {@link readJsonObject} of a file that every checkpoint has: `advice` says what can be done where it is missing. */
export async function readCheckpointJson(
  folder: string,
  name: string,
  advice: string,
  signal?: AbortSignal,
): Promise<JsonObject> {
  return readJsonObject(join(folder, name), signal).catch((error: unknown) => {
    if (!(error instanceof QuernError) || error.code !== 'NOT_FOUND') throw error;
    throw new QuernError('NOT_FOUND', 'no such file', {
      where: join(folder, name),
      hint: advice,
      cause: error,
    });
  });
}

/** What lacks a configuration is no checkpoint. */
export const checkpointAdvice =
  'A checkpoint is a folder that save_pretrained or a hub made, with its weights as safetensors';

/** What lacks a tokenizer. */
export const tokenizerAdvice = 'Put the tokenizer of the checkpoint that the weights come from beside them';

/** The UTF-8 text that a file of a checkpoint holds. Throws `NOT_FOUND`, `IO` and `CORRUPT_FILE`. */
export async function readText(path: string, signal?: AbortSignal): Promise<string> {
  const file = await RangedFile.open(path);
  try {
    if (file.bytes > maxBytes) {
      throw new QuernError('CORRUPT_FILE', `has ${file.bytes} bytes, too many for such a file`, {
        where: path,
      });
    }
    const bytes = new Uint8Array(file.bytes);
    await file.read(0, bytes, signal);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new QuernError('CORRUPT_FILE', 'is not UTF-8 text', { where: path, hint, cause: error });
  } finally {
    await file.close();
  }
}

const hint = 'Fetch or save the checkpoint again';

/** Whether a JSON value is an object, neither null nor a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
