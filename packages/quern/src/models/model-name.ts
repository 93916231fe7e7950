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
  const there = await pathKindIfAny(name);
  if (there && !there.isFolder && there.bytes === undefined) {
    throw new QuernError('BAD_INPUT', 'is neither a file nor a folder', { where: name });
  }
  if (there) return { kind: there.isFolder ? 'folder' : 'file', at: name };
  const [, at, suffix] = /^(.+?)(?::([A-Za-z0-9_]+))?$/s.exec(name) ?? [];
  const type = modelTypes.find((each) => each === suffix?.toLowerCase());
  if (type) return { ...(await parseModelName(at)), type };
  if (/^i?q\d|^[bf]+\d+$/i.test(suffix ?? '') && !/^[A-Za-z]$/.test(at)) {
    throw new QuernError('UNSUPPORTED', `${suffix} is no type that a checkpoint is converted to`, {
      where: name,
      hint: `Types are ${modelTypes.join(', ')}`,
    });
  }
  if (/^[.~/\\]|^[A-Za-z]:|\.gguf$/.test(name) || !/^[^/\\:]+\/[^/\\]+$/.test(name.replace(/@.*$/s, ''))) {
    throw new QuernError('NOT_FOUND', 'no such model file or checkpoint folder', {
      where: name,
      hint: 'Give a GGUF file, the folder of a checkpoint, or owner/name of the Hugging Face hub',
    });
  }
  parseHubId(name);
  return { kind: 'hub', at: name };
}
