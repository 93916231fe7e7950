/** Settings of models that are often used and whose files do not say all of it. */
import type { PartialSettings } from './embedding-settings.ts';

/** What is known of a model, and who says so. */
export interface KnownModel {
  /** Matches the last part of a model's name, in lower case. */
  readonly name: RegExp;
  /** Where the values are from: the model's card or paper. */
  readonly source: string;
  readonly settings: PartialSettings;
  /** The token that its texts end in, where converted files may have lost the rule that adds it. */
  readonly endToken?: string;
}

const encoder: PartialSettings = { isNormalized: true, maxTokens: 512 };

/** The known models; the first that matches counts. */
export const knownModels: readonly KnownModel[] = [
  {
    name: /^bge-(small|base|large)-en-v1\.5/,
    source:
      'huggingface.co/BAAI/bge-base-en-v1.5, "Usage": CLS pooling, normalised, an instruction for short queries alone',
    settings: {
      ...encoder,
      pooling: 'cls',
      queryInstruction: 'Represent this sentence for searching relevant passages: ',
      documentInstruction: '',
    },
  },
  {
    name: /^all-minilm-l(6|12)-v2/,
    source:
      'huggingface.co/sentence-transformers/all-MiniLM-L6-v2: mean pooling, normalised; L6 reads 256 tokens, L12 128',
    settings: { pooling: 'mean', isNormalized: true, queryInstruction: '', documentInstruction: '' },
  },
  {
    name: /^multilingual-e5-(small|base|large)$/,
    source:
      'huggingface.co/intfloat/multilingual-e5-base: mean pooling, normalised, "query: " and "passage: "',
    settings: { ...encoder, pooling: 'mean', queryInstruction: 'query: ', documentInstruction: 'passage: ' },
  },
  {
    name: /^e5-(small|base|large)(-v2)?/,
    source: 'huggingface.co/intfloat/e5-base-v2: mean pooling, normalised, "query: " and "passage: "',
    settings: { ...encoder, pooling: 'mean', queryInstruction: 'query: ', documentInstruction: 'passage: ' },
  },
  {
    name: /^qwen3-embedding-(0\.6|4|8)b/,
    source:
      'huggingface.co/Qwen/Qwen3-Embedding-0.6B: last token, normalised, an instruction for queries alone; its example reads ' +
      '8,192 tokens of the 32,768 that it can; texts end in <|endoftext|> (ggml-org/llama.cpp pull request 14314)',
    settings: {
      pooling: 'last',
      isNormalized: true,
      maxTokens: 8192,
      queryInstruction:
        'Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:',
      documentInstruction: '',
    },
    endToken: '<|endoftext|>',
  },
  {
    name: /^reasonir-8b/,
    source:
      'huggingface.co/reasonir/ReasonIR-8B and arXiv 2504.20595: mean over the last layer, attention in both directions, ' +
      'empty instructions in its example; an instruction is read but not pooled',
    settings: {
      pooling: 'mean',
      isNormalized: true,
      maxTokens: 32_768,
      queryInstruction: '',
      documentInstruction: '',
      poolsInstruction: false,
    },
  },
];

/** What is known of a model that goes by any of these names: hub ids, paths or names of files. */
export function knownModel(names: readonly string[]): KnownModel | undefined {
  const last = names.map((name) => name.split(/[/\\]/).at(-1)!.toLowerCase());
  return knownModels.find((known) => last.some((name) => known.name.test(name)));
}
