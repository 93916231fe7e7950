/** New tensors. */
import { LibTorchError } from './errors.ts';
import { native } from './native.ts';
import { Generator } from './random.ts';
import { operator } from './operators.ts';
import { checkedDevice, handleOf, one, Tensor, type Device, type Dtype } from './tensor.ts';

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

const full = operator('full');
const empty = operator('empty.memory_format');
const arangeStep = operator('arange.start_step');
const randomNormal = operator('randn.generator');
const randomUniform = operator('rand.generator');
const zerosOf = operator('zeros_like');
const onesOf = operator('ones_like');
const eyeOf = operator('eye');

function placed(made: Tensor, { requiresGrad }: TensorOptions): Tensor {
  return requiresGrad === true ? made.requiresGrad_() : made;
}

function optionsOf({
  dtype = 'float32',
  device = 'cpu',
}: TensorOptions): [Dtype, undefined, Device, undefined] {
  return [dtype, undefined, device === 'cpu' ? device : checkedDevice(device), undefined];
}

/**
 * A tensor of these values. `shape` is needed of a typed array that is not one row. Without `dtype`, numbers become float32,
 * booleans bool, and typed arrays what they are. Throws `BAD_ARGUMENT` where rows differ in length.
 */
export function tensor(
  values: Values,
  { shape, ...options }: TensorOptions & { readonly shape?: readonly number[] } = {},
): Tensor {
  const found = ArrayBuffer.isView(values)
    ? { shape: [values.length], bytes: values, dtype: dtypeOfArray(values) }
    : flattened(values);
  const { dtype = found.dtype, device = 'cpu' } = options;
  const made = new Tensor(native().fromBytes(found.bytes, shape ?? found.shape, found.dtype));
  if (dtype === found.dtype && device === 'cpu') return placed(made, options);
  const moved = made.to({ dtype, device });
  made.dispose();
  return placed(moved, options);
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
  throw new LibTorchError('BAD_ARGUMENT', `tensor: a ${values.constructor.name} is not taken`);
}

function flattened(values: Values): { shape: number[]; bytes: ArrayBufferView; dtype: Dtype } {
  const shape: number[] = [];
  for (let inner: unknown = values; Array.isArray(inner); inner = inner[0] as unknown) {
    if (shape.push(inner.length) > 64) {
      throw new LibTorchError('BAD_ARGUMENT', 'tensor: lists are more than 64 deep');
    }
  }
  const numbers: number[] = [];
  let isBoolean = true;
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
    numbers.push(Number(value));
  };
  walk(values, 0);
  if (isBoolean && numbers.length > 0) return { shape, bytes: Uint8Array.from(numbers), dtype: 'bool' };
  // Double precision first: whole numbers beyond 2^24 are to become int64 unharmed.
  return numbers.every(Number.isInteger) && numbers.some((n) => Math.abs(n) > 1 << 24)
    ? { shape, bytes: Float64Array.from(numbers), dtype: 'float64' }
    : { shape, bytes: Float32Array.from(numbers), dtype: 'float32' };
}

export function zeros(shape: readonly number[], options: TensorOptions = {}): Tensor {
  return placed(one(full(shape, 0, ...optionsOf(options))), options);
}

export function ones(shape: readonly number[], options: TensorOptions = {}): Tensor {
  return placed(one(full(shape, 1, ...optionsOf(options))), options);
}

/** All values `value`. */
export function fullOf(shape: readonly number[], value: number, options: TensorOptions = {}): Tensor {
  return placed(one(full(shape, value, ...optionsOf(options))), options);
}

/** Memory as it was found: to be written before it is read. */
export function uninitialized(shape: readonly number[], options: TensorOptions = {}): Tensor {
  return placed(one(empty(shape, ...optionsOf(options))), options);
}

export function zerosLike(other: Tensor): Tensor {
  return one(zerosOf(handleOf(other)));
}

export function onesLike(other: Tensor): Tensor {
  return one(onesOf(handleOf(other)));
}

export function eye(size: number, options: TensorOptions = {}): Tensor {
  return placed(one(eyeOf(size, ...optionsOf(options))), options);
}

/** Numbers from `start` up to `end`, which is left out. Default type: int64. */
export function arange(start: number, end: number, step = 1, options: TensorOptions = {}): Tensor {
  return placed(one(arangeStep(start, end, step, ...optionsOf({ dtype: 'int64', ...options }))), options);
}

function handleOfGenerator(generator: Generator | undefined): number | undefined {
  if (generator === undefined || generator instanceof Generator) return generator?.handle;
  throw new LibTorchError('BAD_ARGUMENT', 'generator is no Generator');
}

/** Normal numbers of mean 0 and deviation 1, from `generator`, else from the device's own. */
export function randn(
  shape: readonly number[],
  { generator, ...options }: TensorOptions & { readonly generator?: Generator } = {},
): Tensor {
  return placed(one(randomNormal(shape, handleOfGenerator(generator), ...optionsOf(options))), options);
}

/** Uniform numbers in [0, 1). */
export function rand(
  shape: readonly number[],
  { generator, ...options }: TensorOptions & { readonly generator?: Generator } = {},
): Tensor {
  return placed(one(randomUniform(shape, handleOfGenerator(generator), ...optionsOf(options))), options);
}
