import { join } from 'node:path';
import { QuernError } from '../../errors.ts';
import {
  isJsonObject,
  readCheckpointJson,
  readJsonObject,
  readText,
  tokenizerAdvice,
  type JsonObject,
} from './json-file.ts';

/** A token's text and what kind it is. */
export interface Token {
  readonly text: string;
  /** `control`: special, not shown; `added`: added to the vocabulary, but a text like others. */
  readonly kind: 'normal' | 'control' | 'added';
}

/** A byte-level BPE tokenizer, as Qwen2's is. */
export interface CheckpointTokenizer {
  /** By id; the tokens of ids that are not in use are missing. */
  readonly tokens: readonly (Token | undefined)[];
  /** Pairs of token texts with a space between, those merged first in front. */
  readonly merges: readonly string[];
  /** A Jinja template; undefined where the checkpoint has none. */
  readonly chatTemplate?: string;
  /** Ids of the tokens that `tokenizer_config.json` names. */
  readonly beginToken?: number;
  readonly endToken?: number;
  readonly paddingToken?: number;
  /** Whether every text is to begin with `beginToken`. */
  readonly addsBeginToken: boolean;
}

/** How Qwen2 splits a text before merging; llama.cpp's `qwen2` does the same. */
const qwen2Split =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** More than any model has. */
const maxTokens = 1 << 21;

/**
 * The tokenizer of a checkpoint: `tokenizer.json`, or `vocab.json` and `merges.txt`, with `tokenizer_config.json` and
 * `chat_template.jinja`. Throws `NOT_FOUND` saying what is missing, `CORRUPT_FILE`, and `UNSUPPORTED` for another
 * tokenizer than byte-level BPE with Qwen2's way of splitting.
 */
export async function readTokenizer(folder: string, signal?: AbortSignal): Promise<CheckpointTokenizer> {
  const configPath = join(folder, 'tokenizer_config.json');
  const config = await readCheckpointJson(folder, 'tokenizer_config.json', tokenizerAdvice, signal);
  const vocabulary = await readVocabulary(folder, config, signal);
  const { tokens } = vocabulary;
  const ids = new Map(tokens.map((token, id) => [token?.text, id]));
  const idOf = (field: string): number | undefined => {
    const value = config[field];
    const text = isJsonObject(value) ? value['content'] : value;
    if (text === undefined || text === null) return undefined;
    const id = typeof text === 'string' ? ids.get(text) : undefined;
    if (id !== undefined) return id;
    const what = `${field} ${JSON.stringify(text).slice(0, 80)} is no token of the vocabulary`;
    throw new QuernError('CORRUPT_FILE', what, { where: configPath });
  };
  return {
    ...vocabulary,
    chatTemplate: await readChatTemplate(folder, config, signal),
    beginToken: idOf('bos_token'),
    endToken: idOf('eos_token'),
    paddingToken: idOf('pad_token'),
    addsBeginToken: config['add_bos_token'] === true,
  };
}

type Vocabulary = Pick<CheckpointTokenizer, 'tokens' | 'merges'>;

async function readVocabulary(
  folder: string,
  config: JsonObject,
  signal: AbortSignal | undefined,
): Promise<Vocabulary> {
  const path = join(folder, 'tokenizer.json');
  const tokenizer = await ifAny(readJsonObject(path, signal));
  return tokenizer ? fromTokenizerJson(tokenizer, path) : fromVocabAndMerges(folder, config, signal);
}

function fromTokenizerJson(tokenizer: JsonObject, path: string): Vocabulary {
  const { model, added_tokens: added, pre_tokenizer: splitting } = tokenizer;
  if (!isJsonObject(model)) throw corrupt(path, 'model is no object');
  const type = model['type'] ?? 'BPE';
  if (type !== 'BPE') throw unsupported(path, `a tokenizer of the type ${JSON.stringify(type).slice(0, 40)}`);
  checkSplitting(splitting, path);
  const { vocab, merges } = model;
  if (!Array.isArray(merges)) throw corrupt(path, 'model.merges is no list');
  const addedTokens: unknown = added ?? [];
  if (!Array.isArray(addedTokens)) throw corrupt(path, 'added_tokens is no list');
  const entries = addedTokens.map((entry: unknown) => {
    if (!isJsonObject(entry)) throw corrupt(path, 'an entry of added_tokens is no object');
    return addedToken(entry['id'], entry, path);
  });
  return {
    tokens: tokenList(vocab, entries, path),
    merges: merges.map((merge: unknown) => mergeText(merge, path)),
  };
}

async function fromVocabAndMerges(
  folder: string,
  config: JsonObject,
  signal: AbortSignal | undefined,
): Promise<Vocabulary> {
  const vocabPath = join(folder, 'vocab.json');
  const mergesPath = join(folder, 'merges.txt');
  const vocab = await ifAny(readJsonObject(vocabPath, signal));
  const text = await ifAny(readText(mergesPath, signal));
  if (!vocab || text === undefined) {
    const what = 'has neither tokenizer.json nor both vocab.json and merges.txt';
    throw new QuernError('NOT_FOUND', what, {
      where: folder,
      hint: 'Fetch the tokenizer of the checkpoint too',
    });
  }
  const name = String(config['tokenizer_class'] ?? 'Qwen2Tokenizer').slice(0, 40);
  if (!/^Qwen2Tokenizer(Fast)?$/.test(name)) throw unsupported(folder, `the tokenizer ${name}`);
  const decoder = config['added_tokens_decoder'] ?? {};
  if (!isJsonObject(decoder)) {
    throw corrupt(join(folder, 'tokenizer_config.json'), 'added_tokens_decoder is no object');
  }
  const added = Object.entries(decoder).map(([id, entry]) => {
    const where = join(folder, 'tokenizer_config.json');
    if (!isJsonObject(entry)) throw corrupt(where, 'an entry of added_tokens_decoder is no object');
    return addedToken(/^\d{1,9}$/.test(id) ? Number(id) : id, entry, where);
  });
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const first = lines[0]?.startsWith('#version') ? 1 : 0;
  return {
    tokens: tokenList(vocab, added, vocabPath),
    merges: lines
      .slice(first)
      .filter((line) => line !== '')
      .map((line) => mergeText(line, mergesPath)),
  };
}

type AddedToken = readonly [id: number, token: Token];

function addedToken(id: unknown, { content, special }: JsonObject, path: string): AddedToken {
  if (typeof content !== 'string') throw corrupt(path, 'an added token has no content');
  return [tokenId(id, content, path), { text: content, kind: special === true ? 'control' : 'added' }];
}

function tokenList(vocab: unknown, added: readonly AddedToken[], path: string): (Token | undefined)[] {
  if (!isJsonObject(vocab)) throw corrupt(path, 'the vocabulary is no object');
  const tokens: (Token | undefined)[] = [];
  const put = (id: number, token: Token): void => {
    const before = tokens[id];
    if (before && before.text !== token.text) {
      throw corrupt(
        path,
        `${JSON.stringify(before.text)} and ${JSON.stringify(token.text)} have one id, ${id}`,
      );
    }
    tokens[id] = token;
  };
  for (const [text, id] of Object.entries(vocab)) put(tokenId(id, text, path), { text, kind: 'normal' });
  for (const [id, token] of added) put(id, token);
  return Array.from(tokens);
}

function tokenId(id: unknown, text: string, path: string): number {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < maxTokens) return id;
  throw corrupt(path, `the token ${JSON.stringify(text).slice(0, 80)} has no id below ${maxTokens}`);
}

function mergeText(merge: unknown, path: string): string {
  const parts: unknown[] = Array.isArray(merge) ? merge : typeof merge === 'string' ? merge.split(' ') : [];
  const isPair =
    parts.length === 2 && parts.every((part) => typeof part === 'string' && /^[^\s]+$/u.test(part));
  if (isPair) return parts.join(' ');
  throw corrupt(path, `the merge ${JSON.stringify(merge)?.slice(0, 80)} is no pair of tokens`);
}

function checkSplitting(splitting: unknown, path: string): void {
  const steps: unknown = isJsonObject(splitting) ? (splitting['pretokenizers'] ?? [splitting]) : [];
  const [split, bytes, ...others]: unknown[] = Array.isArray(steps) ? steps : [];
  const isQwen2 =
    others.length === 0 &&
    isJsonObject(split) &&
    split['type'] === 'Split' &&
    split['behavior'] === 'Isolated' &&
    isJsonObject(split['pattern']) &&
    split['pattern']['Regex'] === qwen2Split &&
    isJsonObject(bytes) &&
    bytes['type'] === 'ByteLevel' &&
    bytes['add_prefix_space'] !== true;
  if (!isQwen2) throw unsupported(path, "a tokenizer that does not split texts as Qwen2's does");
}

async function readChatTemplate(
  folder: string,
  config: JsonObject,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const file = await ifAny(readText(join(folder, 'chat_template.jinja'), signal));
  if (file !== undefined) return file;
  const template = config['chat_template'];
  if (typeof template === 'string') return template;
  if (!Array.isArray(template)) return undefined;
  const named = template
    .filter((entry: unknown) => isJsonObject(entry))
    .find(({ name }) => name === 'default');
  const text = named?.['template'];
  return typeof text === 'string' ? text : undefined;
}

/** Undefined where the file does not exist. */
function ifAny<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch((error: unknown) => {
    if (error instanceof QuernError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  });
}

function corrupt(path: string, what: string): QuernError {
  return new QuernError('CORRUPT_FILE', what, { where: path });
}

function unsupported(path: string, what: string): QuernError {
  return new QuernError('UNSUPPORTED', `${what} is not supported`, { where: path });
}
