/** A tokenizer of Qwen2's kind with a vocabulary of its own: small models have no use for 151,646 tokens. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { byteLetters, trainedMerges } from './bpe.js';

/** Qwen2's words, as its tokenizer.json has them. */
const qwen2Words =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** The same for JavaScript, which has no flags of a part in Node 20. */
const words = new RegExp(
  qwen2Words.replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])"),
  'gu',
);

/** Qwen2's control tokens, behind all others. */
const controlTokens = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];

/** ChatML, nothing more: no system turn is put in. */
const chatTemplate =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** Words and how often they occur in texts, which may be many. */
export function countedWords(texts: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [word] of text.normalize('NFC').matchAll(words)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

/**
 * Trains a tokenizer of `size` entries, control tokens included, and writes `tokenizer.json` and `tokenizer_config.json`. The
 * same texts give the same files.
 */
export async function writeTokenizer(
  folder: string,
  texts: Iterable<string>,
  { size = 8192, positions = 2048 }: { readonly size?: number; readonly positions?: number } = {},
): Promise<{ readonly words: number; readonly entries: number }> {
  const counted = countedWords(texts);
  // In the order of their letters, not of the texts.
  const sorted = new Map([...counted].sort(([a], [b]) => (a < b ? -1 : 1)));
  const { tokens, merges } = trainedMerges(sorted, size - controlTokens.length);
  const added = controlTokens.map((content, i) => ({
    id: tokens.length + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const json = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: qwen2Words }, behavior: 'Isolated', invert: false },
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
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map(([left, right]) => `${left} ${right}`),
    },
  };
  const config = {
    add_prefix_space: false,
    added_tokens_decoder: Object.fromEntries(added.map(({ id, ...rest }) => [id, rest])),
    additional_special_tokens: ['<|im_start|>', '<|im_end|>'],
    bos_token: null,
    chat_template: chatTemplate,
    clean_up_tokenization_spaces: false,
    eos_token: '<|im_end|>',
    errors: 'replace',
    model_max_length: positions,
    pad_token: '<|endoftext|>',
    split_special_tokens: false,
    tokenizer_class: 'Qwen2Tokenizer',
    unk_token: null,
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'tokenizer.json'), `${JSON.stringify(json)}\n`);
  await writeFile(join(folder, 'tokenizer_config.json'), `${JSON.stringify(config, null, 2)}\n`);
  return { words: counted.size, entries: tokens.length + added.length };
}

/** What bytes the tokens of a vocabulary stand for; control tokens are none. */
export function byteLengths(vocabulary: ReadonlyMap<string, number>): Uint8Array {
  const letters = new Set(byteLetters());
  const lengths = new Uint8Array(vocabulary.size);
  for (const [token, id] of vocabulary) {
    const spelt = [...token];
    lengths[id] = spelt.every((letter) => letters.has(letter)) ? spelt.length : 0;
  }
  for (const token of controlTokens) {
    const id = vocabulary.get(token);
    if (id !== undefined) lengths[id] = 0;
  }
  return lengths;
}
