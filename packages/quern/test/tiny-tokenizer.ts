import { readFileSync } from 'node:fs';
import { dataPath, sharedData } from './shared-data.ts';

/** Which tokens a tiny checkpoint has; see `TinyCheckpointOptions`. */
export type TinyVocabulary = 'bytes' | 'cut' | 'full';

/** The files of a tokenizer by name, and how many tokens it has. */
export interface TinyTokenizer {
  readonly files: Readonly<Record<string, string>>;
  readonly tokens: number;
  readonly endOfText: number;
  readonly turnEnd: number;
}

const specialTokens = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];

/** Qwen2.5's chat template without its part about tools. */
const chatTemplate = `{%- if messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant") %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
`;

/** How Qwen2 splits texts. */
const split =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/**
 * A tokenizer's files, as a checkpoint of Qwen2 has them. `bytes` needs no shared data; `cut` keeps the first `size`
 * tokens of Qwen2's vocabulary.
 */
export function tinyTokenizer(vocabulary: TinyVocabulary, size: number): TinyTokenizer {
  const { texts, merges } = vocabulary === 'bytes' ? bytesAndPairs() : qwen2Tokens(vocabulary, size);
  const added = specialTokens.map((content, i) => ({ id: texts.length + i, content, ...specialKind }));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: split }, behavior: 'Isolated', invert: false },
        byteLevel,
      ],
    },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(texts.map((text, id) => [text, id])),
      merges,
    },
  };
  const config = {
    add_prefix_space: false,
    added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [id, token])),
    additional_special_tokens: specialTokens.slice(1),
    bos_token: null,
    chat_template: chatTemplate,
    clean_up_tokenization_spaces: false,
    eos_token: '<|im_end|>',
    errors: 'replace',
    model_max_length: 32768,
    pad_token: '<|endoftext|>',
    split_special_tokens: false,
    tokenizer_class: 'Qwen2Tokenizer',
    unk_token: null,
  };
  return {
    files: {
      'tokenizer.json': JSON.stringify(tokenizer),
      'tokenizer_config.json': JSON.stringify(config, null, 2),
    },
    tokens: texts.length + added.length,
    endOfText: texts.length,
    turnEnd: texts.length + 2,
  };
}

const specialKind = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };

interface Tokens {
  /** By id. */
  readonly texts: readonly string[];
  readonly merges: readonly string[];
}

/** The 256 bytes as GPT-2 writes them: those that show themselves first, in its order of ids. */
function byteTexts(): string[] {
  const shown = [
    [0x21, 0x7e],
    [0xa1, 0xac],
    [0xae, 0xff],
  ].flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)));
  return [...shown, ...Array.from({ length: 256 - shown.length }, (_, i) => String.fromCodePoint(0x100 + i))];
}

/** 256 bytes and 41 merges; with the special tokens 300. */
function bytesAndPairs(): Tokens {
  const pairs =
    'Ġ t|Ġ a|h e|i n|r e|o n|Ġt he|e r|Ġ s|a t|Ġ w|Ġ o|e n|Ġ c|i t|i s|a n|o r|e s|Ġ b|e d|Ġ f|in g|Ġ p|o u|Ġa n|' +
    'a l|a r|Ġt o|Ġ m|Ġo f|Ġ in|Ġ d|Ġ h|Ġan d|i c|a s|l e|Ġt h|i on|o m';
  const merges = pairs.split('|');
  return { texts: [...byteTexts(), ...merges.map((merge) => merge.replace(' ', ''))], merges };
}

interface TokenizerJson {
  readonly model: { readonly vocab: Readonly<Record<string, number>>; readonly merges: readonly string[] };
}

function qwen2Tokens(vocabulary: 'cut' | 'full', size: number): Tokens {
  if (sharedData === undefined) throw new Error("Qwen2's tokenizer is in the shared data, which is not here");
  const json = readFileSync(dataPath('tokenizers/qwen2/tokenizer.json'), 'utf8');
  const { vocab, merges } = (JSON.parse(json) as TokenizerJson).model;
  const texts = Object.entries(vocab)
    .toSorted(([, a], [, b]) => a - b)
    .map(([text]) => text);
  if (vocabulary === 'full') return { texts, merges };
  const kept = texts.slice(0, size);
  const known = new Set(kept);
  const isKept = (merge: string): boolean =>
    [...merge.split(' '), merge.replace(' ', '')].every((text) => known.has(text));
  return { texts: kept, merges: merges.filter((merge) => isKept(merge)) };
}
