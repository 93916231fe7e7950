import { QuernError } from '../errors.ts';
import { pathKindIfAny } from '../collections/files.ts';
import { parseHubId } from './hub/hub-id.ts';
import { modelTypes, type ModelType } from './gguf/qwen2-metadata.ts';

/** Where a model is: a GGUF file, a folder of a checkpoint, or a repository of the Hugging Face hub. */
export interface ModelName {
  readonly kind: 'file' | 'folder' | 'hub';
  /** The path, or `owner/name` with or without `@revision`. */
  readonly at: string;
  /** What its matrices are to be converted to, where the name says so. */
  readonly type?: ModelType;
}

/**
 * What `PATH`, `owner/name` or `owner/name@revision` names, each with or without `:f16`, `:q8_0` or `:q4_0` behind it. What
 * exists on this machine comes first; a name that begins with `.`, `/` or `~` is never one of the hub. Throws `NOT_FOUND`.
 */
export async function parseModelName(name: string): Promise<ModelName> {
  const here = await placeHere(name);
  if (here) return here;
  const [, at, suffix] = /^(.+?)(?::([A-Za-z0-9_]+))?$/s.exec(name) ?? [];
  const type = modelTypes.find((each) => each === suffix?.toLowerCase());
  if (type) return { ...(await parseModelName(at)), type };
  if (isTypeLike(suffix) && !/^[A-Za-z]$/.test(at)) {
    throw new QuernError('UNSUPPORTED', `${suffix} is no type that a checkpoint is converted to`, {
      where: name,
      hint: `Types are ${modelTypes.join(', ')}`,
    });
  }
  return placeAtHub(
    name,
    'Give a GGUF file, the folder of a checkpoint, or owner/name of the Hugging Face hub',
  );
}

/** {@link parseModelName} of a model that is used as its checkpoint is: neither a GGUF file nor a type to convert it to. */
export async function parseCheckpointName(name: string): Promise<ModelName> {
  const here = await placeHere(name);
  if (here) return here;
  const [, at, suffix] = /^(.+?):([A-Za-z0-9_]+)$/s.exec(name) ?? [];
  if (isTypeLike(suffix))
    throw nothingThere(name, `A checkpoint is used in the types that it has: name it ${at}`);
  return placeAtHub(name, 'Give the folder of a checkpoint, or owner/name of the Hugging Face hub');
}

function isTypeLike(suffix: string | undefined): boolean {
  return /^i?q\d|^[bf]+\d+$/i.test(suffix ?? '');
}

async function placeHere(name: string): Promise<ModelName | undefined> {
  const there = await pathKindIfAny(name);
  if (!there) return undefined;
  if (!there.isFolder && there.bytes === undefined) {
    throw new QuernError('BAD_INPUT', 'is neither a file nor a folder', { where: name });
  }
  return { kind: there.isFolder ? 'folder' : 'file', at: name };
}

function placeAtHub(name: string, hint: string): ModelName {
  if (/^[.~/\\]|^[A-Za-z]:|\.gguf$/.test(name) || !/^[^/\\:]+\/[^/\\]+$/.test(name.replace(/@.*$/s, ''))) {
    throw nothingThere(name, hint);
  }
  parseHubId(name);
  return { kind: 'hub', at: name };
}

function nothingThere(name: string, hint: string): QuernError {
  return new QuernError('NOT_FOUND', 'no such model file or checkpoint folder', { where: name, hint });
}
