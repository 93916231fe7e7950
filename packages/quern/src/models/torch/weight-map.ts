/** A checkpoint's tensors in LibTorch's memory, by their names. */
import { empty, fromBytes, scope, type Device, type Dtype, type Tensor } from '@quern/libtorch';
import { QuernError, throwIfAborted } from '../../errors.ts';
import type { OnWork } from '../../work.ts';
import type { Weight, WeightDtype } from '../checkpoint/checkpoint-weights.ts';
import { quernError } from './torch-error.ts';

/** The tensors of a model by their names in its checkpoint. */
export type WeightMap = ReadonlyMap<string, Tensor>;

/** Of what type and where weights are put. */
export interface Placement {
  readonly dtype: Dtype;
  readonly device: Device;
  /** The type of what goes from layer to layer. Default: that of the embeddings. */
  readonly stream?: Dtype;
}

export const torchDtypes: Readonly<Record<WeightDtype, Dtype>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
};

/** A weight that is loaded. */
export interface WeightToLoad {
  /** What the model knows it by. */
  readonly name: string;
  readonly weight: Weight;
  /** Makes of what is in the file, in float32, what is loaded. */
  readonly change?: (matrix: Tensor) => Tensor;
}

/** Bytes of a file that are read at a time. */
const chunkBytes = 1 << 25;

/**
 * Reads weights, each with the name that the model knows it by, and puts them where they belong, one after the other, so that no
 * more than one is there twice. Throws `CORRUPT_FILE` for values that are no finite numbers, `OUT_OF_MEMORY`, and
 * what reading throws; then nothing is held.
 */
export async function loadedWeights(
  weights: readonly WeightToLoad[],
  placement: Placement,
  { signal, onWork, what }: { signal?: AbortSignal; onWork?: OnWork; what: string },
): Promise<Map<string, Tensor>> {
  const bytes = weights.reduce((sum, { weight }) => sum + weight.bytes, 0);
  const work = onWork?.(`loading ${what}`, bytes);
  const loaded = new Map<string, Tensor>();
  let done = 0;
  try {
    for (const each of weights) {
      throwIfAborted(signal);
      loaded.set(each.name, await loadedWeight(each, placement, signal));
      done += each.weight.bytes;
      work?.update(done);
    }
    return loaded;
  } catch (error) {
    for (const tensor of loaded.values()) tensor.dispose();
    throw quernError(error);
  } finally {
    work?.stop();
  }
}

/** Whether all values are finite numbers. Within a scope. */
export function isFinite(values: Tensor): boolean {
  // A sum is finite where every value is, unless it overflows; only then is each looked at.
  return values.numel === 0 || Number.isFinite(values.sum().item()) || values.isfinite().all().item() === 1;
}

async function loadedWeight(
  { weight, change }: WeightToLoad,
  { dtype, device }: Placement,
  signal?: AbortSignal,
): Promise<Tensor> {
  const raw =
    weight.bytes === 0
      ? fromBytes(new Uint8Array(0), weight.shape, torchDtypes[weight.dtype])
      : empty(weight.shape, { dtype: torchDtypes[weight.dtype] });
  try {
    const chunk = new Uint8Array(Math.min(chunkBytes, weight.bytes));
    for (let offset = 0; offset < weight.bytes; offset += chunk.length) {
      const part = chunk.subarray(0, Math.min(chunk.length, weight.bytes - offset));
      await weight.read(offset, part, signal);
      raw.writeBytes(offset, part);
    }
    return scope(() => {
      if (!isFinite(raw)) {
        const what = `the tensor ${weight.name} holds values that are no finite numbers`;
        throw new QuernError('CORRUPT_FILE', what, {
          where: weight.path,
          hint: 'Its training went wrong, or the file is damaged: take an earlier checkpoint',
        });
      }
      // Changed before it is rounded.
      const whole = change ? change(raw.to({ dtype: 'float32', device })) : raw;
      return whole.to({ dtype, device }).keep();
    });
  } finally {
    // What is returned has a handle of its own, also where nothing had to be converted.
    raw.dispose();
  }
}
