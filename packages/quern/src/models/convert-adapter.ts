import { QuernError } from '../errors.ts';
import { Checkpoint } from './checkpoint/checkpoint.ts';
import type { Conversion } from './convert.ts';
import type { GgufMetadata, GgufValue } from './gguf/gguf-format.ts';
import { checkReplaceable, writeGguf, type WrittenTensor } from './gguf/gguf-writer.ts';
import { LoraAdapter, type LoraPair } from './checkpoint/lora-adapter.ts';
import { encodedWeight } from './gguf/tensor-encoding.ts';

/** Options of {@link convertAdapterToGguf}. */
export interface ConvertAdapterOptions {
  /** The checkpoint that the adapter was trained on. */
  readonly base: string;
  /** The GGUF file; one that is there is replaced, anything else is not. */
  readonly out: string;
  readonly signal?: AbortSignal;
}

/**
 * Converts a LoRA adapter, a folder as PEFT writes it, to a GGUF file of its own, which llama.cpp applies to the base as it
 * computes (`lora` of a context). Its matrices are kept in F32. Throws as `convertToGguf` does.
 */
export async function convertAdapterToGguf(
  folder: string,
  { base, out, signal }: ConvertAdapterOptions,
): Promise<Conversion> {
  await checkReplaceable(out);
  const checkpoint = await Checkpoint.open(base, signal);
  try {
    const adapter = await LoraAdapter.open(folder, checkpoint.tensors, signal);
    try {
      const matrices = adapter.pairs.flatMap(({ target: { ggufName }, a, b }) => [
        { name: `${ggufName}.lora_a`, weight: a },
        { name: `${ggufName}.lora_b`, weight: b },
      ]);
      const tensors = matrices.map(({ name, weight }): WrittenTensor => ({
        name,
        dimensions: weight.shape.toReversed(),
        type: 'F32',
        write: async (sink) => {
          for await (const bytes of encodedWeight(weight, 'F32', { signal })) await sink(bytes);
        },
      }));
      const bytes = await writeGguf(out, adapterMetadata(adapter), tensors);
      return {
        type: 'f32',
        bytes,
        sourceBytes: matrices.reduce((sum, { weight }) => sum + weight.bytes, 0),
        tensors: tensors.length,
        parameters: matrices.reduce((sum, { weight }) => sum + weight.shape.reduce((a, b) => a * b, 1), 0),
      };
    } finally {
      await adapter.close();
    }
  } finally {
    await checkpoint.close();
  }
}

function adapterMetadata({ pairs, folder }: LoraAdapter): GgufMetadata {
  return new Map<string, GgufValue>([
    ['general.architecture', { type: 'string', value: 'qwen2' }],
    ['general.type', { type: 'string', value: 'adapter' }],
    ['general.file_type', { type: 'uint32', value: 0 }],
    ['general.quantization_version', { type: 'uint32', value: 2 }],
    ['adapter.type', { type: 'string', value: 'lora' }],
    ['adapter.lora.alpha', { type: 'float32', value: commonAlpha(pairs, folder) }],
  ]);
}

/** llama.cpp scales each pair by `alpha / rank`: what alpha has to be for that to be right for all of them. */
function commonAlpha(pairs: readonly LoraPair[], folder: string): number {
  const alphas = pairs.map(({ scale, rank }) => scale * rank);
  const [alpha] = alphas;
  if (alphas.every((other) => Math.abs(other - alpha) < 1e-9 * alpha)) return alpha;
  throw new QuernError('UNSUPPORTED', 'rank-stabilised scaling with several ranks cannot be kept apart', {
    where: folder,
    hint: 'Merge it into the base instead',
  });
}
