/** New tensors. */
import { LibTorchError } from './errors.ts';
import { native, type NativeArgument, type NativeResult } from './native.ts';
import { Generator } from './random.ts';
import { operator } from './operators.ts';
import { optionsOf } from './options.ts';
import { checkedDevice, handleOf, longestList, one, Tensor, type Device, type Dtype } from './tensor.ts';

/** Of what type and where a new tensor is. */
export interface TensorOptions {
  /** Default: `float32`, unless told otherwise. */
  readonly dtype?: Dtype;
  /** Default: `cpu`. */
  readonly device?: Device;
  readonly requiresGrad?: boolean;
}

/** Numbers in lists of lists, all of one length a depth, or values row by row. */
export type Values =
  | number
  | boolean
  | readonly Values[]
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Uint8Array;

const ops = {
  full: operator('full'),
  empty: operator('empty.memory_format'),
  arange: operator('arange.start_step'),
  randn: operator('randn.generator'),
  rand: operator('rand.generator'),
  zerosLike: operator('zeros_like'),
  onesLike: operator('ones_like'),
  eye: operator('eye'),
};

const optionNames = ['dtype', 'device', 'requiresGrad'] as const;

/** What an operator that makes a tensor takes at its end: the type, the layout, the device, pinned memory. */
type Placement = [dtype: Dtype, layout: undefined, device: Device, isPinned: undefined];

/** A new tensor where and of what type `options` of `what` say. */
function placed(
  what: string,
  options: TensorOptions | undefined,
  make: (...placement: Placement) => NativeResult,
  defaultDtype: Dtype = 'float32',
): Tensor {
  const { dtype = defaultDtype, device = 'cpu', requiresGrad } = optionsOf(options, what, optionNames);
  return recorded(
    one(make(dtype, undefined, device === 'cpu' ? device : checkedDevice(device), undefined)),
    requiresGrad,
  );
}

function recorded(made: Tensor, requiresGrad: boolean | undefined): Tensor {
  return requiresGrad === true ? made.requiresGrad_() : made;
}

/**
 * A tensor of these values. `shape` is needed of a typed array that is not one row. Without `dtype`, numbers become float32,
 * booleans bool, and typed arrays what they are. Throws `BAD_ARGUMENT` where rows differ in length, and for numbers in lists that
 * the integer type `dtype` does not have.
 */
export function tensor(
  values: Values,
  options?: TensorOptions & { readonly shape?: readonly number[] },
): Tensor {
  const { shape, ...given } = optionsOf(options, 'tensor', ['shape', ...optionNames]);
  const found = ArrayBuffer.isView(values)
    ? { shape: [values.length], array: values, as: dtypeOfArray(values) }
    : arrayOf(values, given.dtype);
  const { dtype = found.as, device = 'cpu', requiresGrad } = given;
  const read = new Tensor(native().fromBytes(found.array, shape ?? found.shape, found.as));
  if (dtype === found.as && device === 'cpu') return recorded(read, requiresGrad);
  try {
    return recorded(read.to({ dtype, device }), requiresGrad);
  } finally {
    read.dispose();
  }
}

/** A tensor of the bytes of its values as they lie in memory, row by row. */
export function fromBytes(bytes: ArrayBufferView, shape: readonly number[], dtype: Dtype): Tensor {
  return new Tensor(native().fromBytes(bytes, shape, dtype));
}

function dtypeOfArray(values: ArrayBufferView): Dtype {
  if (values instanceof Float32Array) return 'float32';
  if (values instanceof Float64Array) return 'float64';
  if (values instanceof BigInt64Array) return 'int64';
  if (values instanceof Int32Array) return 'int32';
  if (values instanceof Uint8Array) return 'uint8';
  throw new LibTorchError('BAD_ARGUMENT', 'tensor: this kind of array is not taken', {
    hint: 'Float32Array, Float64Array, BigInt64Array, Int32Array and Uint8Array are',
  });
}

/** Numbers in lists as an array whose type loses nothing that `dtype` has. */
function arrayOf(values: Values, dtype?: Dtype): { shape: number[]; array: ArrayBufferView; as: Dtype } {
  const { shape, numbers, isBoolean } = flattened(values);
  const wanted = dtype ?? (isBoolean ? 'bool' : 'float32');
  const range = integerRanges[wanted];
  if (range) {
    const other = numbers.find((value) => !Number.isInteger(value) || value < range[0] || value > range[1]);
    if (other !== undefined) {
      throw new LibTorchError('BAD_ARGUMENT', `tensor: ${other} is no number of the type ${wanted}`);
    }
    return { shape, array: numbers, as: 'float64' };
  }
  if (wanted === 'float64') return { shape, array: numbers, as: 'float64' };
  if (wanted === 'bool')
    return { shape, array: Uint8Array.from(numbers, (value) => Number(value !== 0)), as: 'bool' };
  return { shape, array: Float32Array.from(numbers), as: 'float32' };
}

/** The least and the largest whole numbers of a type, as far as a double has them all. */
const integerRanges: Partial<Record<Dtype, readonly [number, number]>> = {
  int64: [-(2 ** 53), 2 ** 53],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 255],
};

/** The values of lists, row by row. Their number is known from the first of each depth, before any is taken. */
function flattened(values: Values): { shape: number[]; numbers: Float64Array; isBoolean: boolean } {
  const shape: number[] = [];
  let count = 1;
  for (let inner: unknown = values; Array.isArray(inner); inner = inner[0] as unknown) {
    count *= inner.length;
    if (shape.push(inner.length) > 64) {
      throw new LibTorchError('BAD_ARGUMENT', 'tensor: lists are more than 64 deep');
    }
  }
  if (count > longestList) {
    throw new LibTorchError('BAD_ARGUMENT', `tensor: lists of ${count} values are too long`, {
      hint: 'Give a typed array and a shape',
    });
  }
  const numbers = new Float64Array(count);
  let taken = 0;
  let isBoolean = count > 0;
  const walk = (value: unknown, depth: number): void => {
    if (Array.isArray(value)) {
      if (value.length !== shape[depth]) {
        throw new LibTorchError(
          'BAD_ARGUMENT',
          `tensor: lists at depth ${depth} have ${shape[depth]} and ${value.length} items`,
        );
      }
      for (const item of value) walk(item, depth + 1);
      return;
    }
    if (depth !== shape.length || (typeof value !== 'number' && typeof value !== 'boolean')) {
      throw new LibTorchError('BAD_ARGUMENT', 'tensor: values are numbers or booleans in lists of one depth');
    }
    isBoolean &&= typeof value === 'boolean';
    numbers[taken++] = Number(value);
  };
  walk(values, 0);
  return { shape, numbers, isBoolean };
}

/** All values 0. */
export function zeros(shape: readonly number[], options?: TensorOptions): Tensor {
  return placed('zeros', options, (...placement) => ops.full(shape, 0, ...placement));
}

/** All values 1. */
export function ones(shape: readonly number[], options?: TensorOptions): Tensor {
  return placed('ones', options, (...placement) => ops.full(shape, 1, ...placement));
}

/** All values `value`. */
export function full(shape: readonly number[], value: number, options?: TensorOptions): Tensor {
  return placed('full', options, (...placement) => ops.full(shape, value, ...placement));
}

/** Memory as it was found: to be written before it is read. */
export function empty(shape: readonly number[], options?: TensorOptions): Tensor {
  return placed('empty', options, (...placement) => ops.empty(shape, ...placement));
}

/** All values 0, in the shape and type of `other`, on its device. */
export function zerosLike(other: Tensor): Tensor {
  return one(ops.zerosLike(handleOf(other, 'zerosLike: other')));
}

/** All values 1, in the shape and type of `other`, on its device. */
export function onesLike(other: Tensor): Tensor {
  return one(ops.onesLike(handleOf(other, 'onesLike: other')));
}

/** The identity matrix of `size` rows and columns. */
export function eye(size: number, options?: TensorOptions): Tensor {
  return placed('eye', options, (...placement) => ops.eye(size, ...placement));
}

/** Numbers from `start` up to `end`, which is left out. Default type: int64. */
export function arange(start: number, end: number, step = 1, options?: TensorOptions): Tensor {
  return placed('arange', options, (...placement) => ops.arange(start, end, step, ...placement), 'int64');
}

/** Of {@link randn} and {@link rand}. */
export interface RandomOptions extends TensorOptions {
  /** Default: the generator of the device. */
  readonly generator?: Generator;
}

/** Normal numbers of mean 0 and deviation 1, from `generator`, else from the device's own. */
export function randn(shape: readonly number[], options?: RandomOptions): Tensor {
  return random('randn', ops.randn, shape, options);
}

/** Uniform numbers in [0, 1). */
export function rand(shape: readonly number[], options?: RandomOptions): Tensor {
  return random('rand', ops.rand, shape, options);
}

function random(
  what: string,
  draw: (...args: NativeArgument[]) => NativeResult,
  shape: readonly number[],
  options: RandomOptions | undefined,
): Tensor {
  const { generator, ...others } = optionsOf(options, what, ['generator', ...optionNames]);
  if (generator !== undefined && !(generator instanceof Generator)) {
    throw new LibTorchError('BAD_ARGUMENT', `${what}: generator is no Generator`);
  }
  return placed(what, others, (...placement) => draw(shape, generator?.handle, ...placement));
}
