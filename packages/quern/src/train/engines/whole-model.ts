/** Whether a Hugging Face folder was written to its end. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isJsonObject, readJsonObject } from '../../models/checkpoint/json-file.ts';
import { SafetensorsFile } from '../../models/checkpoint/safetensors.ts';

/** Folders that were whole, by what tells their files apart: they are looked at again and again. */
const known = new Map<string, string>();

/**
 * Whether a folder has a model with its tokenizer, and no file is cut off: engines write these files in place. Weights are looked
 * at by their headers, which say how long the files are.
 */
export async function isWholeModel(folder: string): Promise<boolean> {
  try {
    const names = (await readdir(folder)).sort();
    const stats = await Promise.all(names.map((name) => stat(join(folder, name))));
    const stamp = names.map((name, i) => `${name} ${stats[i].size} ${stats[i].mtimeMs}`).join('\n');
    if (known.get(folder) === stamp) return true;
    known.delete(folder);
    if (!(await isWhole(folder, new Set(names)))) return false;
    known.set(folder, stamp);
    return true;
  } catch {
    return false;
  }
}

/** Throws where a file cannot be read as what it is. */
async function isWhole(folder: string, names: ReadonlySet<string>): Promise<boolean> {
  if (!['config.json', 'tokenizer_config.json', 'tokenizer.json'].every((name) => names.has(name)))
    return false;
  const weights = await weightFiles(folder, names);
  for (const name of weights) await (await SafetensorsFile.open(join(folder, name))).close();
  for (const name of names) if (name.endsWith('.json')) await readJsonObject(join(folder, name));
  return weights.length > 0;
}

async function weightFiles(folder: string, names: ReadonlySet<string>): Promise<string[]> {
  const index = 'model.safetensors.index.json';
  if (!names.has(index)) return names.has('model.safetensors') ? ['model.safetensors'] : [];
  const { weight_map: map } = await readJsonObject(join(folder, index));
  return isJsonObject(map) ? [...new Set(Object.values(map).map(String))] : [];
}
