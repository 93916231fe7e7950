/** Which files of a repository make up a model. */

/** Whether a file, by its name, is needed; `names` are those of all files of the repository, as far as they are known. */
export type ChooseFiles = (name: string, names: readonly string[]) => boolean;

const needed =
  /^(config\.json|generation_config\.json|tokenizer[^/]*\.json|vocab\.json|merges\.txt|special_tokens_map\.json|added_tokens\.json|chat_template\.jinja|[^/]+\.safetensors|[^/]+\.safetensors\.index\.json|adapter_[^/]+)$/;

/** What training keeps of its optimiser in a checkpoint: no part of the model, and larger than it. */
export const optimizerFile = 'optimizer.safetensors';

/**
 * Whether a file is one that a model in safetensors is made of: its configuration, its tokenizer, its weights, or an
 * adapter's, at the top level of the repository. Weights in other formats are none, as those may hold code (pickle).
 */
export function isModelFile(name: string): boolean {
  return needed.test(name) && name !== optimizerFile && !/^adapter_.*\.(bin|pt|pth|pkl)$/.test(name);
}

/**
 * Whether these files, which were chosen from a snapshot of which nobody noted what is to be in it, are a whole model:
 * there are weights, an index's parts are all there, and so are the others of `NAME-00001-of-00003.EXT`. `read` gives a
 * file's text.
 */
export async function isWholeModel(
  names: readonly string[],
  read: (name: string) => Promise<string>,
): Promise<boolean> {
  const there = new Set(names);
  if (!names.some((name) => /\.(safetensors|gguf|onnx)$/.test(name))) return false;
  for (const name of names) {
    if (!shardNames(name).every((shard) => there.has(shard))) return false;
    if (!name.endsWith('.safetensors.index.json')) continue;
    const folder = name.slice(0, name.lastIndexOf('/') + 1);
    const parts = indexedParts(await read(name));
    if (!parts?.every((part) => there.has(folder + part))) return false;
  }
  return true;
}

/** The names of all shards that a file is one of. */
function shardNames(name: string): string[] {
  const match = /^(.*)-(\d{5})-of-(\d{5})(\.[a-z]+)$/.exec(name);
  if (!match) return [];
  const [, stem, , count, extension] = match;
  return Array.from(
    { length: Number(count) },
    (_, i) => `${stem}-${String(i + 1).padStart(5, '0')}-of-${count}${extension}`,
  );
}

/** The files that an index of safetensors names; undefined where there are none to read. */
function indexedParts(json: string): string[] | undefined {
  try {
    const { weight_map: parts } = JSON.parse(json) as { weight_map: Record<string, string> };
    const names = [...new Set(Object.values(parts))];
    return names.length > 0 ? names : undefined;
  } catch {
    return undefined;
  }
}
