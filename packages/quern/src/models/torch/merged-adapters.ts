/** Adapters of a checkpoint, to be merged into its matrices while these are loaded. */
import type { Device, Tensor } from '@quern/libtorch';
import type { CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { LoraAdapter } from '../checkpoint/lora-adapter.ts';
import { mergedMatrix } from './lora.ts';
import type { LinearAdapter } from './qwen2-layer.ts';
import { loadedWeights } from './weight-map.ts';

/** The pairs of matrices of adapters, in float32. */
export class MergedAdapters {
  /** By the name of the matrix that they change. */
  readonly #pairs = new Map<string, LinearAdapter[]>();

  private constructor() {}

  /** Loads adapters of a base whose tensors are given. Throws what {@link LoraAdapter.open} and loading weights throw. */
  static async load(
    folders: readonly string[],
    base: readonly CheckpointTensor[],
    { device, signal }: { readonly device: Device; readonly signal?: AbortSignal },
  ): Promise<MergedAdapters> {
    const merged = new MergedAdapters();
    try {
      for (const folder of folders) await merged.#add(folder, base, { device, signal });
      return merged;
    } catch (error) {
      merged.dispose();
      throw error;
    }
  }

  /** What makes of a matrix in float32 what it is with the adapters; undefined where they leave it as it is. */
  changeOf(name: string): ((matrix: Tensor) => Tensor) | undefined {
    const pairs = this.#pairs.get(name);
    return pairs && ((matrix) => pairs.reduce(mergedMatrix, matrix));
  }

  dispose(): void {
    for (const { a, b } of [...this.#pairs.values()].flat()) {
      a.dispose();
      b.dispose();
    }
  }

  async #add(
    folder: string,
    base: readonly CheckpointTensor[],
    { device, signal }: { readonly device: Device; readonly signal?: AbortSignal },
  ): Promise<void> {
    const adapter = await LoraAdapter.open(folder, base, signal);
    try {
      const sides = adapter.pairs
        .flatMap(({ a, b }) => [a, b])
        .map((weight) => ({ name: weight.name, weight }));
      const placement = { dtype: 'float32', device } as const;
      const loaded = await loadedWeights(sides, placement, { signal, what: folder });
      for (const { target, a, b, scale } of adapter.pairs) {
        const pair = { a: loaded.get(a.name) as Tensor, b: loaded.get(b.name) as Tensor, scale };
        this.#pairs.set(target.name, [...(this.#pairs.get(target.name) ?? []), pair]);
      }
    } finally {
      await adapter.close();
    }
  }
}
