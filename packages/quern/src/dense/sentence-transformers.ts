/** The settings that sentence-transformers writes beside a model: `modules.json` and what it names. */
import { join } from 'node:path';
import { QuernError } from '../errors.ts';
import { isJsonObject, readJsonObject, readText, type JsonObject } from '../models/checkpoint/json-file.ts';
import type { PartialSettings, Pooling } from './embedding-settings.ts';

/** The names of the prompts that are for documents, the first that there is counts; as sentence-transformers looks for them. */
const documentPrompts = ['document', 'passage', 'corpus'];

/** Its modes of pooling, as files of version 1 and of version 6 name them. */
const pooledAs: Readonly<Record<string, Pooling>> = {
  pooling_mode_cls_token: 'cls',
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_lasttoken: 'last',
  cls: 'cls',
  mean: 'mean',
  lasttoken: 'last',
};

/**
 * What the files of sentence-transformers in a checkpoint's folder say; nothing where there are none. Throws `UNSUPPORTED` for
 * a module or a pooling that is not done here, as its vectors would be others, and `CORRUPT_FILE`.
 */
export async function checkpointSettings(folder: string, signal?: AbortSignal): Promise<PartialSettings> {
  const path = join(folder, 'modules.json');
  const text = await ifAny(readText(path, signal));
  if (text === undefined) return {};
  let isNormalized = false;
  const found: PartialSettings[] = [];
  for (const module of moduleList(text, path)) {
    const kind = module.type.slice(module.type.lastIndexOf('.') + 1);
    if (kind === 'Transformer') {
      found.push(await transformerSettings(join(folder, module.path), signal));
    } else if (kind === 'Pooling') {
      found.push(await poolingSettings(join(folder, module.path, 'config.json'), signal));
    } else if (kind === 'Normalize') isNormalized = true;
    else {
      throw new QuernError('UNSUPPORTED', `has a module ${printed(module.type)}, which is not supported`, {
        where: path,
        hint: 'Transformer, Pooling and Normalize are',
      });
    }
  }
  found.push({ isNormalized }, await prompts(folder, signal));
  return Object.assign({}, ...found) as PartialSettings;
}

interface Module {
  readonly type: string;
  /** Within the folder. */
  readonly path: string;
}

function moduleList(text: string, path: string): Module[] {
  let modules: unknown;
  try {
    modules = JSON.parse(text);
  } catch (error) {
    throw new QuernError('CORRUPT_FILE', 'is not JSON', { where: path, cause: error });
  }
  if (!Array.isArray(modules)) throw new QuernError('CORRUPT_FILE', 'is not a JSON list', { where: path });
  return modules.map((module: unknown) => {
    const { type, path: at } = isJsonObject(module) ? module : {};
    // It is put into a path: nothing but a plain name of a folder.
    if (typeof type === 'string' && typeof at === 'string' && /^[\w-]*$/.test(at)) return { type, path: at };
    throw new QuernError('CORRUPT_FILE', 'a module lacks its type or its folder', { where: path });
  });
}

async function transformerSettings(folder: string, signal?: AbortSignal): Promise<PartialSettings> {
  const path = join(folder, 'sentence_bert_config.json');
  const config = await ifAny(readJsonObject(path, signal));
  const maxTokens = config?.['max_seq_length'] ?? undefined;
  if (maxTokens !== undefined && !(Number.isSafeInteger(maxTokens) && (maxTokens as number) > 2)) {
    throw new QuernError('CORRUPT_FILE', 'max_seq_length is no number of tokens', { where: path });
  }
  return {
    ...(maxTokens !== undefined && { maxTokens: maxTokens as number }),
    ...(config?.['do_lower_case'] === true && { isLowercased: true }),
  };
}

async function poolingSettings(path: string, signal?: AbortSignal): Promise<PartialSettings> {
  const config = await readJsonObject(path, signal);
  const named = config['pooling_mode'];
  const modes =
    named === undefined
      ? Object.keys(config).filter((key) => key.startsWith('pooling_mode_') && config[key] === true)
      : [named].flat();
  const [mode] = modes;
  const pooling = typeof mode === 'string' && modes.length === 1 ? pooledAs[mode] : undefined;
  if (pooling === undefined) {
    throw new QuernError('UNSUPPORTED', `the pooling ${printed(modes.join(' and '))} is not supported`, {
      where: path,
      hint: 'Supported are the mean, the first token and the last token, one of them',
    });
  }
  return { pooling, poolsInstruction: config['include_prompt'] !== false };
}

async function prompts(folder: string, signal?: AbortSignal): Promise<PartialSettings> {
  const config = await ifAny(readJsonObject(join(folder, 'config_sentence_transformers.json'), signal));
  const named = config && isJsonObject(config['prompts']) ? config['prompts'] : {};
  const usual = promptOf(named, [config?.['default_prompt_name']]);
  const query = promptOf(named, ['query']) ?? usual;
  const document = promptOf(named, documentPrompts) ?? usual;
  // Recent versions write two empty prompts where nobody gave any.
  if (!query && !document) return {};
  return { queryInstruction: query ?? '', documentInstruction: document ?? '' };
}

function promptOf(named: JsonObject, names: readonly unknown[]): string | undefined {
  const prompt = names
    .map((name) => (typeof name === 'string' ? named[name] : undefined))
    .find((p) => p !== undefined);
  return typeof prompt === 'string' ? prompt : undefined;
}

function printed(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

async function ifAny<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof QuernError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}
