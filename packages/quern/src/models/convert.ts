import { throwIfAborted } from '../errors.ts';
import { silentWork, type OnWork } from '../work.ts';
import { Checkpoint } from './checkpoint/checkpoint.ts';
import { readTokenizer } from './checkpoint/checkpoint-tokenizer.ts';
import { LoraAdapter } from './checkpoint/lora-adapter.ts';
import { mergedChange } from './checkpoint/lora-merge.ts';
import { checkReplaceable, writeGguf, type TensorSink, type WrittenTensor } from './gguf/gguf-writer.ts';
import { modelMetadata, type ModelType } from './gguf/qwen2-metadata.ts';
import { encodedWeight, writtenType } from './gguf/tensor-encoding.ts';

/** Options of {@link convertToGguf}. */
export interface ConvertOptions {
  /** What matrices are converted to: 16 bits, about 8.5 or about 4.5 bits a weight. */
  readonly type: ModelType;
  /** The GGUF file; one that is there is replaced, anything else is not. */
  readonly out: string;
  /** Folders of LoRA adapters, as PEFT writes them, that are merged into the weights, each computed on the checkpoint. */
  readonly adapters?: readonly string[];
  readonly onWork?: OnWork;
  readonly signal?: AbortSignal;
}

/** What was written. */
export interface Conversion {
  /** `f32` for an adapter that was kept apart. */
  readonly type: ModelType | 'f32';
  /** The bytes of the GGUF file. */
  readonly bytes: number;
  /** The bytes of the weights that were read. */
  readonly sourceBytes: number;
  readonly tensors: number;
  /** The number of weights. */
  readonly parameters: number;
}

/**
 * Converts a checkpoint of a Qwen2 model, a folder as `save_pretrained` writes it, to a GGUF file that llama.cpp loads.
 * Weights pass through in chunks, so that memory does not grow with the model; the same checkpoint and options give the
 * same bytes. The file is written beside `out` and renamed when it is whole and durable.
 *
 * Throws `NOT_FOUND` naming what the checkpoint lacks, `UNSUPPORTED`, `CORRUPT_FILE`, `IO`, `DISK_FULL`, `ABORTED`, and
 * `ALREADY_EXISTS` where `out` is something else than a GGUF file.
 */
export async function convertToGguf(folder: string, options: ConvertOptions): Promise<Conversion> {
  const { type, out, signal } = options;
  await checkReplaceable(out);
  const adapters: LoraAdapter[] = [];
  const checkpoint = await Checkpoint.open(folder, signal);
  try {
    const { config, endTokens, tensors } = checkpoint;
    for (const adapter of options.adapters ?? []) {
      adapters.push(await LoraAdapter.open(adapter, tensors, signal));
    }
    const tokenizer = await readTokenizer(folder, signal);
    const metadata = modelMetadata({ config, tokenizer, endTokens, type, folder });
    const sourceBytes = tensors.reduce((sum, { weight }) => sum + weight.bytes, 0);
    const work = options.onWork?.(`converting to ${type}`, sourceBytes) ?? silentWork;
    let done = 0;
    const onBytes = (count: number): void => work.update((done += count));
    const pairs = adapters.flatMap((adapter) => adapter.pairs);
    const written = tensors.map((tensor): WrittenTensor => {
      const { ggufName, shape, weight } = tensor;
      const as = writtenType(tensor, type);
      const write = async (sink: TensorSink): Promise<void> => {
        throwIfAborted(signal);
        const change = await mergedChange(
          pairs.filter(({ target }) => target === tensor),
          signal,
        );
        for await (const bytes of encodedWeight(weight, as, { change, signal, onBytes })) await sink(bytes);
      };
      return { name: ggufName, dimensions: shape.toReversed(), type: as, write };
    });
    const bytes = await writeGguf(out, metadata, written).finally(() => work.stop());
    const parameters = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    return { type, bytes, sourceBytes, tensors: tensors.length, parameters };
  } finally {
    for (const adapter of adapters) await adapter.close();
    await checkpoint.close();
  }
}
