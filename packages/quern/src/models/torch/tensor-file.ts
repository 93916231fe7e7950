/** Tensors in safetensors files: what adapters and optimisers are kept in, and the pieces that weights are written in. */
import { scope, type Dtype, type Tensor } from '@quern/libtorch';
import { QuernError, throwIfAborted } from '../../errors.ts';
import type { WeightDtype } from '../checkpoint/checkpoint-weights.ts';
import { weightOf } from '../checkpoint/checkpoint-weights.ts';
import { SafetensorsFile, writeSafetensors } from '../checkpoint/safetensors.ts';
import { isFinite, loadedWeights, torchDtypes, type Placement, type WeightMap } from './weight-map.ts';

/** Bytes that are copied from the device at a time. */
const pieceBytes = 1 << 26;

/** Writes tensors, whole or not at all. Throws `BAD_INPUT` for values that are no finite numbers in `dtype`, `IO` and `DISK_FULL`. */
export async function writeTensorFile(
  path: string,
  tensors: WeightMap,
  { dtype, signal }: { readonly dtype: WeightDtype; readonly signal?: AbortSignal },
): Promise<void> {
  const written = Array.from(tensors, ([name, tensor]) => ({
    name,
    dtype,
    shape: tensor.shape,
    data: tensorPieces(name, tensor, torchDtypes[dtype], signal),
  }));
  await writeSafetensors(path, written, { format: 'pt' });
}

/** The tensors of a file that have to be there, by name with their shapes. Throws as opening a checkpoint does. */
export async function readTensorFile(
  path: string,
  wanted: ReadonlyMap<string, readonly number[]>,
  placement: Placement,
  signal?: AbortSignal,
): Promise<Map<string, Tensor>> {
  const file = await SafetensorsFile.open(path, signal);
  try {
    const weights = Array.from(wanted, ([name, shape]) => ({ name, weight: weightOf(file, name, shape) }));
    return await loadedWeights(weights, placement, { signal, what: path });
  } finally {
    await file.close();
  }
}

/** The bytes of a tensor, some rows at a time. */
export function* tensorPieces(
  name: string,
  tensor: Tensor,
  dtype: Dtype,
  signal: AbortSignal | undefined,
): Generator<Uint8Array> {
  const [rows = 1] = tensor.shape;
  const rowBytes = (tensor.numel / Math.max(rows, 1)) * 4;
  const atOnce = Math.max(1, Math.floor(pieceBytes / Math.max(rowBytes, 1)));
  for (let row = 0; row < rows; row += atOnce) {
    throwIfAborted(signal);
    yield scope(() => {
      const part = tensor.dim === 0 ? tensor : tensor.narrow(0, row, Math.min(atOnce, rows - row));
      const written = part.detach().to({ dtype, device: 'cpu' });
      if (!isFinite(written)) {
        throw new QuernError(
          'BAD_INPUT',
          `the tensor ${name} holds values that are no finite numbers in ${dtype}`,
          {
            hint: 'Its training went wrong, or it needs a type of a wider range: bfloat16 or float32',
          },
        );
      }
      return written.bytes();
    });
  }
}
