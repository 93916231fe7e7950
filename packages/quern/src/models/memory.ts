import { byteSize } from '../byte-size.ts';
import { QuernError } from '../errors.ts';
import { freeMemory } from './free-memory.ts';
import { tensorBytes, type GgufTensor } from './gguf/gguf-format.ts';
import { metadataNumber, metadataText, type GgufInfo } from './gguf/gguf-reader.ts';
import { publishedModels } from './gguf/published-models.ts';
import { modelTypes, type ModelType } from './gguf/qwen2-metadata.ts';
import { qwen2Tensors } from './checkpoint/qwen2-tensors.ts';
import { writtenType } from './gguf/tensor-encoding.ts';

/** How a model is to be used. */
export interface ModelUse {
  /** Tokens of prompt and completion together, for each sequence. */
  readonly contextTokens: number;
  /** Texts that are generated side by side. */
  readonly sequences: number;
}

/** The bytes of memory that llama.cpp needs for a model. */
export interface MemoryNeeded {
  readonly weights: number;
  /** Keys and values of all tokens, in F16. */
  readonly cache: number;
  /** An estimate of the buffer for what is computed in between. */
  readonly compute: number;
  readonly total: number;
}

/** Tokens that llama.cpp computes at a time. */
const batchTokens = 512;

/**
 * The bytes that a model in a GGUF file needs: its tensors; `2 * layers * key-value heads * head size * 2` for each token of
 * each sequence; and the larger of what the logits and what the attention scores of a batch take. What the metadata of
 * another architecture does not tell counts as nothing.
 */
export function memoryNeeded({
  gguf,
  contextTokens,
  sequences,
}: ModelUse & { readonly gguf: GgufInfo }): MemoryNeeded {
  const weights = gguf.tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  return needed({ ...shapeOf(gguf), weights }, { contextTokens, sequences });
}

/**
 * Throws `OUT_OF_MEMORY` where a model needs more than is free, with both in GB, and a hint that names the largest type or
 * smaller model that would fit. `free` is what {@link freeMemory} returns unless given; `path` names the model.
 */
export function checkMemory(
  check: ModelUse & { readonly gguf: GgufInfo; readonly path: string; readonly free?: number },
): void {
  const { gguf, path, contextTokens, sequences, free = freeMemory() } = check;
  const { total } = memoryNeeded(check);
  if (total <= free) return;
  const use = `for ${sequences} x ${contextTokens} tokens`;
  throw new QuernError('OUT_OF_MEMORY', `needs ${byteSize(total)} ${use}, and ${byteSize(free)} are free`, {
    where: path,
    hint: smallerChoice(gguf, { contextTokens, sequences }, free),
  });
}

interface ModelShape {
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly vocabularySize: number;
}

function needed(
  model: ModelShape & { readonly weights: number },
  { contextTokens, sequences }: ModelUse,
): MemoryNeeded {
  const tokens = contextTokens * sequences;
  const cache = 2 * model.layers * model.keyValueHeads * model.headSize * 2 * tokens;
  const batch = Math.min(batchTokens, tokens);
  const output = model.hiddenSize + model.vocabularySize;
  const layer = 4 * model.hiddenSize + Math.max(2 * model.intermediateSize, model.heads * contextTokens);
  const compute = 4 * batch * Math.max(output, layer);
  return { weights: model.weights, cache, compute, total: model.weights + cache + compute };
}

function shapeOf({ metadata, tensors }: GgufInfo): ModelShape {
  const architecture = metadataText(metadata, 'general.architecture') ?? '';
  const number = (key: string): number => metadataNumber(metadata, `${architecture}.${key}`) ?? 0;
  const heads = number('attention.head_count');
  const hiddenSize = number('embedding_length');
  return {
    layers: number('block_count'),
    heads,
    keyValueHeads: number('attention.head_count_kv') || heads,
    headSize: number('attention.key_length') || (heads === 0 ? 0 : hiddenSize / heads),
    hiddenSize,
    intermediateSize: number('feed_forward_length'),
    vocabularySize: tensors.find(({ name }) => name === 'token_embd.weight')?.dimensions[1] ?? 0,
  };
}

/** The model in a smaller type, else the largest published one, that fits into `free`. */
function smallerChoice(gguf: GgufInfo, use: ModelUse, free: number): string {
  const current = memoryNeeded({ gguf, ...use });
  const ofType = (type: ModelType): number => {
    const weights = weightBytes(
      gguf.tensors.map(({ name, dimensions }) => ({ ggufName: name, shape: dimensions.toReversed() })),
      type,
    );
    return weights < current.weights ? current.total - current.weights + weights : Infinity;
  };
  const type = modelTypes.find((candidate) => ofType(candidate) <= free);
  if (type)
    return `As ${type} it would need ${byteSize(ofType(type))}: export it so, or take a shorter context`;
  for (const { name, config } of publishedModels) {
    for (const candidate of modelTypes) {
      const headSize = config.hiddenSize / config.heads;
      const weights = weightBytes(qwen2Tensors(config), candidate);
      const { total } = needed({ ...config, headSize, weights }, use);
      if (total > free || weights >= current.weights) continue;
      return `${name} as ${candidate} would fit with ${byteSize(total)}; or take a shorter context`;
    }
  }
  return 'Free memory, take a shorter context, or let a server on another machine run the model';
}

function weightBytes(
  tensors: readonly { readonly ggufName: string; readonly shape: readonly number[] }[],
  type: ModelType,
): number {
  return tensors
    .map(({ ggufName, shape }): Pick<GgufTensor, 'dimensions' | 'type'> => {
      return { dimensions: shape.toReversed(), type: writtenType({ ggufName, shape }, type) };
    })
    .reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
}
