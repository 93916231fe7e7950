/** Tensors: values of one type in one shape, on the processor or a GPU, with the operations of PyTorch. */
import { LibTorchError } from './errors.ts';
import { cudaDevices, native, type Handle, type NativeArgument, type NativeResult } from './native.ts';
import { ops } from './operators.ts';
import { optionsOf } from './options.ts';
import { nested } from './nested-text.ts';
import { enterScope, leaveScopes } from './scope-stack.ts';

const dtypes = ['float32', 'bfloat16', 'float16', 'float64', 'int64', 'int32', 'uint8', 'bool'] as const;

/** The types of values. */
export type Dtype = (typeof dtypes)[number];

/** The most values that are made to a list, and of a list: V8 ends the process where one is much longer. */
export const longestList = 2 ** 26;

/** `cpu`, `cuda` (the first GPU) or `cuda:N`. */
export type Device = string;

/** A number, or a tensor that is broadcast. */
export type Operand = Tensor | number;

/** Frees what nobody holds any more. */
const registry = new FinalizationRegistry<Handle>((handle) => {
  native().free(handle);
});

/** The handle of a tensor. Throws `BAD_ARGUMENT` for anything else. */
export function handleOf(value: unknown, what = 'an argument'): Handle {
  if (isTensor(value)) return value.handle;
  throw new LibTorchError('BAD_ARGUMENT', `${what} is no tensor`);
}

/** Whether a value was made by this package: no proxy of a tensor, and nothing that only has its prototype. */
function isTensor(value: unknown): value is Tensor {
  return value instanceof Tensor && Tensor.isMade(value);
}

function handlesOf(tensors: readonly Tensor[], what = 'tensors'): Handle[] {
  checkList(tensors, what);
  return Array.from(tensors, (tensor: unknown) => handleOf(tensor, `${what}: an item`));
}

/** A list without places that nothing was put into would be walked through at length. */
function checkList(tensors: unknown, what: string): void {
  if (Array.isArray(tensors) && tensors.length < 2 ** 24) return;
  throw new LibTorchError('BAD_ARGUMENT', `${what}: a list of tensors is needed`);
}

/** Handles of tensors, and undefined where there is none. */
function optionalHandlesOf(tensors: readonly (Tensor | undefined)[], what: string): (Handle | undefined)[] {
  checkList(tensors, what);
  return Array.from(tensors, (tensor) => optionalHandle(tensor, `${what}: an item`));
}

/** The tensor that an operator returned. */
function one(result: NativeResult): Tensor {
  return new Tensor(result as Handle);
}

function many(result: NativeResult): Tensor[] {
  return (result as Handle[]).map((handle) => new Tensor(handle));
}

function pair(result: NativeResult): [Tensor, Tensor] {
  const [first, second] = result as Handle[];
  return [new Tensor(first), new Tensor(second)];
}

/** A size, position or dimension of the last dimension, and so on: a list. */
function list(value: number | readonly number[]): readonly number[] {
  return typeof value === 'number' ? [value] : value;
}

function operandOf(value: unknown, what: string): Handle {
  if (isTensor(value)) return value.handle;
  throw new LibTorchError('BAD_ARGUMENT', `${what}: the other operand is neither a tensor nor a number`);
}

/** `a` and `b` by the operator for two tensors or the one for a tensor and a number. */
function binary(
  what: string,
  ofTensors: (...args: NativeArgument[]) => NativeResult,
  ofNumber: (...args: NativeArgument[]) => NativeResult,
  a: Tensor,
  b: Operand,
): Tensor {
  return one(typeof b === 'number' ? ofNumber(a.handle, b) : ofTensors(a.handle, operandOf(b, what)));
}

/** A tensor. Made by the functions of this package, never by `new`. */
export class Tensor {
  /** Its number in the addon; nothing else is to be made of it. */
  readonly handle: Handle;
  #shape: readonly number[] | undefined;

  /** For this package alone: a handle that the addon just returned. */
  constructor(handle: Handle) {
    if (!Number.isSafeInteger(handle)) {
      throw new LibTorchError('BAD_ARGUMENT', 'tensors are made by functions such as zeros');
    }
    this.handle = handle;
    enterScope(this);
  }

  /** For this package alone: whether the constructor made it. */
  static isMade(value: object): boolean {
    return #shape in value;
  }

  /** The sizes of its dimensions. */
  get shape(): readonly number[] {
    if (!(#shape in this)) throw new LibTorchError('BAD_ARGUMENT', 'shape: this is no tensor');
    return (this.#shape ??= Object.freeze(native().shape(this.handle)));
  }

  get dtype(): Dtype {
    return native().facts(this.handle).dtype as Dtype;
  }

  get device(): Device {
    return native().facts(this.handle).device;
  }

  get isContiguous(): boolean {
    return native().facts(this.handle).isContiguous;
  }

  /** Whether it is no result of recorded operations: what gradients are kept of. */
  get isLeaf(): boolean {
    return native().facts(this.handle).isLeaf;
  }

  /** How often its values were changed in place: PyTorch's `_version`. */
  get version(): number {
    return native().changes(this.handle);
  }

  /** How many dimensions it has. */
  get dim(): number {
    return this.shape.length;
  }

  /** How many values it has. */
  get numel(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  /** The size of a dimension; negative ones count from the end. Throws `BAD_ARGUMENT`. */
  size(dim: number): number {
    const size = Number.isInteger(dim) ? this.shape.at(dim) : undefined;
    if (size !== undefined) return size;
    throw new LibTorchError('BAD_ARGUMENT', `size: there is no dimension ${String(dim)} of [${this.shape}]`);
  }

  /** Whether it was freed. */
  get isFreed(): boolean {
    return !native().isAlive(this.handle);
  }

  /** Frees it now, if nothing else holds its values (a view, a graph). Doing so twice does nothing. */
  dispose(): void {
    if (native().free(this.handle)) registry.unregister(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Takes it out of all scopes: it lives until it is freed, or nobody holds it any more. Returns itself. */
  keep(): this {
    leaveScopes(this);
    return this;
  }

  // Gradients.

  get requiresGrad(): boolean {
    return native().facts(this.handle).requiresGrad;
  }

  /** Says whether operations on it are recorded; returns itself. Only of leaves and floats. */
  requiresGrad_(requires = true): this {
    native().setRequiresGrad(this.handle, requires);
    return this;
  }

  /** The gradient that {@link backward} left; undefined where there is none. */
  get grad(): Tensor | undefined {
    const gradient = native().gradient(this.handle);
    return gradient === undefined ? undefined : new Tensor(gradient);
  }

  set grad(gradient: Tensor | undefined) {
    native().setGradient(this.handle, gradient === undefined ? undefined : handleOf(gradient, 'grad'));
  }

  /** Adds the gradient of this to that of every leaf it was made from. Of more than one value `gradient` is needed. */
  backward(gradient?: Tensor, options?: { readonly retainGraph?: boolean }): void {
    const { retainGraph = false } = optionsOf(options, 'backward', ['retainGraph']);
    native().backward(
      [this.handle],
      [gradient === undefined ? undefined : handleOf(gradient, 'gradient')],
      retainGraph,
    );
  }

  /** The same values without a history. */
  detach(): Tensor {
    return one(ops.detach(this.handle));
  }

  // Values.

  /** The only value. Throws `BAD_ARGUMENT` where there are others. An integer beyond 2^53 loses its last bits. */
  item(): number {
    return Number(native().item(this.handle));
  }

  /**
   * A copy of the values, row by row: Float32Array (of bfloat16 and float16 too), Float64Array, BigInt64Array, Int32Array, and
   * Uint8Array of uint8 and bool.
   */
  data(): Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array {
    switch (this.dtype) {
      case 'float32':
        return new Float32Array(native().toBytes(this.handle));
      case 'float64':
        return new Float64Array(native().toBytes(this.handle));
      case 'int64':
        return new BigInt64Array(native().toBytes(this.handle));
      case 'int32':
        return new Int32Array(native().toBytes(this.handle));
      case 'bfloat16':
      case 'float16': {
        const wide = ops.toDtype(this.handle, 'float32') as Handle;
        try {
          return new Float32Array(native().toBytes(wide));
        } finally {
          native().free(wide);
        }
      }
      default:
        return new Uint8Array(native().toBytes(this.handle));
    }
  }

  /** A copy of the values as numbers, row by row. Throws `BAD_ARGUMENT` where they are too many for a list. */
  toArray(): number[] {
    if (this.numel > longestList) {
      throw new LibTorchError('BAD_ARGUMENT', `toArray: ${this.numel} values are too many for a list`, {
        hint: 'data() gives them as a typed array',
      });
    }
    return Array.from(this.data() as ArrayLike<number | bigint>, Number);
  }

  /** A copy of its bytes as they are, row by row. */
  bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(native().toBytes(this.handle));
  }

  /** Overwrites bytes of it from `offset` on; it has to be contiguous, on the processor, and not of bool. */
  writeBytes(offset: number, bytes: ArrayBufferView): void {
    native().writeBytes(this.handle, offset, bytes);
  }

  /** What `console.log` shows: {@link toString}, and the first values. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.isFreed ? String(this) : `${String(this)} ${this.#shown()}`;
  }

  #shown(): string {
    const most = 24;
    const flat = ops.reshape(this.handle, [-1]) as Handle;
    const part = ops.slice(flat, 0, 0, most, 1) as Handle;
    native().freeAll([flat]);
    const values = new Tensor(part);
    try {
      return nested(values.toArray(), this.shape, this.numel);
    } finally {
      values.dispose();
    }
  }

  toString(): string {
    if (this.isFreed) return 'Tensor(freed)';
    const { dtype, device, requiresGrad } = native().facts(this.handle);
    return `Tensor([${this.shape}] ${dtype}${device === 'cpu' ? '' : ` on ${device}`}${requiresGrad ? ', requires grad' : ''})`;
  }

  // Arithmetic; the other operand is a tensor that fits, or a number.

  add(other: Operand): Tensor {
    return binary('add', ops.add, ops.addScalar, this, other);
  }

  sub(other: Operand): Tensor {
    return binary('sub', ops.sub, ops.subScalar, this, other);
  }

  mul(other: Operand): Tensor {
    return binary('mul', ops.mul, ops.mulScalar, this, other);
  }

  div(other: Operand): Tensor {
    return binary('div', ops.div, ops.divScalar, this, other);
  }

  pow(exponent: Operand): Tensor {
    return binary('pow', ops.powTensor, ops.pow, this, exponent);
  }

  /** this + a · b */
  addcmul(a: Tensor, b: Tensor): Tensor {
    return one(ops.addcmul(this.handle, handleOf(a, 'addcmul: a'), handleOf(b, 'addcmul: b'), 1));
  }

  minimum(other: Tensor): Tensor {
    return one(ops.minimum(this.handle, handleOf(other, 'minimum: other')));
  }

  maximum(other: Tensor): Tensor {
    return one(ops.maximum(this.handle, handleOf(other, 'maximum: other')));
  }

  /** Values below `least` become it, values above `most` become that; undefined sets no bound. */
  clamp(least?: number, most?: number): Tensor {
    return one(ops.clamp(this.handle, least, most));
  }

  neg(): Tensor {
    return one(ops.neg(this.handle));
  }
  exp(): Tensor {
    return one(ops.exp(this.handle));
  }
  log(): Tensor {
    return one(ops.log(this.handle));
  }
  sqrt(): Tensor {
    return one(ops.sqrt(this.handle));
  }
  rsqrt(): Tensor {
    return one(ops.rsqrt(this.handle));
  }
  square(): Tensor {
    return one(ops.square(this.handle));
  }
  abs(): Tensor {
    return one(ops.abs(this.handle));
  }
  sin(): Tensor {
    return one(ops.sin(this.handle));
  }
  cos(): Tensor {
    return one(ops.cos(this.handle));
  }
  tanh(): Tensor {
    return one(ops.tanh(this.handle));
  }
  sigmoid(): Tensor {
    return one(ops.sigmoid(this.handle));
  }
  relu(): Tensor {
    return one(ops.relu(this.handle));
  }
  silu(): Tensor {
    return one(ops.silu(this.handle));
  }
  /** With `tanh` the approximation that GPT-2 uses. */
  gelu(approximate: 'none' | 'tanh' = 'none'): Tensor {
    return one(ops.gelu(this.handle, approximate));
  }

  // In place; each returns this tensor.

  add_(other: Operand): this {
    if (typeof other === 'number') ops.addScalarInPlace(this.handle, other);
    else ops.addInPlace(this.handle, operandOf(other, 'add_'));
    return this;
  }

  sub_(other: Operand): this {
    if (typeof other === 'number') ops.subScalarInPlace(this.handle, other);
    else ops.subInPlace(this.handle, operandOf(other, 'sub_'));
    return this;
  }

  mul_(other: Operand): this {
    if (typeof other === 'number') ops.mulScalarInPlace(this.handle, other);
    else ops.mulInPlace(this.handle, operandOf(other, 'mul_'));
    return this;
  }

  div_(other: Operand): this {
    if (typeof other === 'number') ops.divScalarInPlace(this.handle, other);
    else ops.divInPlace(this.handle, operandOf(other, 'div_'));
    return this;
  }

  copy_(source: Tensor): this {
    ops.copyInPlace(this.handle, handleOf(source, 'copy_: source'));
    return this;
  }

  fill_(value: number): this {
    ops.fillInPlace(this.handle, value);
    return this;
  }

  zero_(): this {
    ops.zeroInPlace(this.handle);
    return this;
  }

  // Comparisons; their results are bool.

  eq(other: Operand): Tensor {
    return binary('eq', ops.eq, ops.eqScalar, this, other);
  }
  ne(other: Operand): Tensor {
    return binary('ne', ops.ne, ops.neScalar, this, other);
  }
  lt(other: Operand): Tensor {
    return binary('lt', ops.lt, ops.ltScalar, this, other);
  }
  le(other: Operand): Tensor {
    return binary('le', ops.le, ops.leScalar, this, other);
  }
  gt(other: Operand): Tensor {
    return binary('gt', ops.gt, ops.gtScalar, this, other);
  }
  ge(other: Operand): Tensor {
    return binary('ge', ops.ge, ops.geScalar, this, other);
  }
  logicalAnd(other: Tensor): Tensor {
    return one(ops.logicalAnd(this.handle, handleOf(other, 'logicalAnd: other')));
  }
  logicalOr(other: Tensor): Tensor {
    return one(ops.logicalOr(this.handle, handleOf(other, 'logicalOr: other')));
  }
  logicalNot(): Tensor {
    return one(ops.logicalNot(this.handle));
  }
  isnan(): Tensor {
    return one(ops.isnan(this.handle));
  }
  isfinite(): Tensor {
    return one(ops.isfinite(this.handle));
  }

  // Reductions; without `dim` over all values.

  sum(dim?: number | readonly number[], keepdim = false): Tensor {
    return one(dim === undefined ? ops.sum(this.handle) : ops.sumDim(this.handle, list(dim), keepdim));
  }

  mean(dim?: number | readonly number[], keepdim = false): Tensor {
    return one(dim === undefined ? ops.mean(this.handle) : ops.meanDim(this.handle, list(dim), keepdim));
  }

  /** The standard deviation over `dim`; `correction` is what is taken off the number of values that it divides by. */
  std(dim?: number | readonly number[], keepdim = false, correction = 1): Tensor {
    return one(ops.std(this.handle, dim === undefined ? undefined : list(dim), correction, keepdim));
  }

  /** The largest of all values; along a dimension the largest values, and where they are. */
  max(): Tensor;
  max(dim: number, keepdim?: boolean): [values: Tensor, indices: Tensor];
  max(dim?: number, keepdim = false): Tensor | [values: Tensor, indices: Tensor] {
    return dim === undefined ? one(ops.max(this.handle)) : pair(ops.maxDim(this.handle, dim, keepdim));
  }

  /** The smallest, as {@link max} has the largest. */
  min(): Tensor;
  min(dim: number, keepdim?: boolean): [values: Tensor, indices: Tensor];
  min(dim?: number, keepdim = false): Tensor | [values: Tensor, indices: Tensor] {
    return dim === undefined ? one(ops.min(this.handle)) : pair(ops.minDim(this.handle, dim, keepdim));
  }

  /** The largest values along dimensions. */
  amax(dim: number | readonly number[], keepdim = false): Tensor {
    return one(ops.amax(this.handle, list(dim), keepdim));
  }

  any(): Tensor {
    return one(ops.any(this.handle));
  }

  all(): Tensor {
    return one(ops.all(this.handle));
  }

  argmax(dim?: number, keepdim = false): Tensor {
    return one(ops.argmax(this.handle, dim, keepdim));
  }

  argmin(dim?: number, keepdim = false): Tensor {
    return one(ops.argmin(this.handle, dim, keepdim));
  }

  logsumexp(dim: number | readonly number[], keepdim = false): Tensor {
    return one(ops.logsumexp(this.handle, list(dim), keepdim));
  }

  /** The norm of order `ord`, 2 unless told otherwise. */
  norm(ord = 2, dim?: number | readonly number[], keepdim = false): Tensor {
    return one(ops.norm(this.handle, ord, dim === undefined ? undefined : list(dim), keepdim));
  }

  cumsum(dim: number): Tensor {
    return one(ops.cumsum(this.handle, dim));
  }

  softmax(dim: number, dtype?: Dtype): Tensor {
    return one(ops.softmax(this.handle, dim, dtype));
  }

  logSoftmax(dim: number, dtype?: Dtype): Tensor {
    return one(ops.logSoftmax(this.handle, dim, dtype));
  }

  /** The `k` largest values along a dimension, largest first, and where they are. */
  topk(k: number, dim = -1): [values: Tensor, indices: Tensor] {
    return pair(ops.topk(this.handle, k, dim));
  }

  /** Sorted along a dimension, equal values in their order, and where they were. */
  sort(dim = -1, descending = false): [values: Tensor, indices: Tensor] {
    return pair(ops.sort(this.handle, true, dim, descending));
  }

  // Shapes.

  view(shape: readonly number[]): Tensor {
    return one(ops.view(this.handle, shape));
  }

  reshape(shape: readonly number[]): Tensor {
    return one(ops.reshape(this.handle, shape));
  }

  transpose(dim0: number, dim1: number): Tensor {
    return one(ops.transpose(this.handle, dim0, dim1));
  }

  permute(dims: readonly number[]): Tensor {
    return one(ops.permute(this.handle, dims));
  }

  t(): Tensor {
    return one(ops.t(this.handle));
  }

  unsqueeze(dim: number): Tensor {
    return one(ops.unsqueeze(this.handle, dim));
  }

  squeeze(dim: number): Tensor {
    return one(ops.squeeze(this.handle, dim));
  }

  /** Sizes of 1 shown as larger ones, without a copy; -1 leaves a size as it is. */
  expand(shape: readonly number[]): Tensor {
    return one(ops.expand(this.handle, shape));
  }

  repeat(times: readonly number[]): Tensor {
    return one(ops.repeat(this.handle, times));
  }

  /** Each slice along `dim` `times` times, one after the other. */
  repeatInterleave(times: number, dim: number): Tensor {
    return one(ops.repeatInterleave(this.handle, times, dim));
  }

  contiguous(): Tensor {
    return one(ops.contiguous(this.handle));
  }

  flatten(start = 0, end = -1): Tensor {
    return one(ops.flatten(this.handle, start, end));
  }

  /** Views of `size` slices along a dimension; the last may be shorter. */
  split(size: number, dim = 0): Tensor[] {
    return many(ops.split(this.handle, size, dim));
  }

  chunk(chunks: number, dim = 0): Tensor[] {
    return many(ops.chunk(this.handle, chunks, dim));
  }

  unbind(dim = 0): Tensor[] {
    return many(ops.unbind(this.handle, dim));
  }

  narrow(dim: number, start: number, length: number): Tensor {
    return one(ops.narrow(this.handle, dim, start, length));
  }

  select(dim: number, index: number): Tensor {
    return one(ops.select(this.handle, dim, index));
  }

  slice(dim: number, start?: number, end?: number, step = 1): Tensor {
    return one(ops.slice(this.handle, dim, start, end, step));
  }

  /** Values moved by `shift` places along a dimension; those that fall off its end come in at its start. */
  roll(shift: number, dim: number): Tensor {
    return one(ops.roll(this.handle, [shift], [dim]));
  }

  flip(dims: readonly number[]): Tensor {
    return one(ops.flip(this.handle, dims));
  }

  tril(diagonal = 0): Tensor {
    return one(ops.tril(this.handle, diagonal));
  }

  triu(diagonal = 0): Tensor {
    return one(ops.triu(this.handle, diagonal));
  }

  // Indices.

  indexSelect(dim: number, index: Tensor): Tensor {
    return one(ops.indexSelect(this.handle, dim, handleOf(index, 'indexSelect: index')));
  }

  gather(dim: number, index: Tensor): Tensor {
    return one(ops.gather(this.handle, dim, handleOf(index, 'gather: index')));
  }

  scatter_(dim: number, index: Tensor, source: Operand): this {
    if (typeof source === 'number') {
      ops.scatterValueInPlace(this.handle, dim, handleOf(index, 'scatter_: index'), source);
    } else
      ops.scatterInPlace(
        this.handle,
        dim,
        handleOf(index, 'scatter_: index'),
        handleOf(source, 'scatter_: source'),
      );
    return this;
  }

  scatterAdd_(dim: number, index: Tensor, source: Tensor): this {
    ops.scatterAddInPlace(
      this.handle,
      dim,
      handleOf(index, 'scatterAdd_: index'),
      handleOf(source, 'scatterAdd_: source'),
    );
    return this;
  }

  indexCopy_(dim: number, index: Tensor, source: Tensor): this {
    ops.indexCopyInPlace(
      this.handle,
      dim,
      handleOf(index, 'indexCopy_: index'),
      handleOf(source, 'indexCopy_: source'),
    );
    return this;
  }

  /** Values at indices, one tensor of them a dimension; undefined takes the whole dimension. */
  index(indices: readonly (Tensor | undefined)[]): Tensor {
    return one(ops.index(this.handle, optionalHandlesOf(indices, 'index')));
  }

  /** Overwrites values at indices. */
  indexPut_(indices: readonly (Tensor | undefined)[], values: Tensor, accumulate = false): this {
    ops.indexPutInPlace(
      this.handle,
      optionalHandlesOf(indices, 'indexPut_'),
      handleOf(values, 'indexPut_: values'),
      accumulate,
    );
    return this;
  }

  maskedFill(mask: Tensor, value: number): Tensor {
    return one(ops.maskedFill(this.handle, handleOf(mask, 'maskedFill: mask'), value));
  }

  // Products and copies.

  matmul(other: Tensor): Tensor {
    return one(ops.matmul(this.handle, handleOf(other, 'matmul: other')));
  }

  clone(): Tensor {
    return one(ops.clone(this.handle));
  }

  /** The same values in another type or on another device, as a name of either or both; a view where nothing changes. */
  to(target: Dtype | Device | { readonly dtype?: Dtype; readonly device?: Device }): Tensor {
    const { dtype, device } = targetOf(target);
    if (device === undefined) return one(ops.toDtype(this.handle, dtype ?? this.dtype));
    return one(ops.toDevice(this.handle, checkedDevice(device), dtype ?? this.dtype));
  }
}

function targetOf(target: unknown): { readonly dtype?: Dtype; readonly device?: Device } {
  if (typeof target !== 'string')
    return optionsOf(target as { dtype?: Dtype; device?: Device }, 'to', ['dtype', 'device']);
  if (isDtype(target)) return { dtype: target };
  if (/^(cpu|cuda)/.test(target)) return { device: target };
  throw new LibTorchError(
    'BAD_ARGUMENT',
    `to: ${JSON.stringify(target.slice(0, 40))} is neither a type nor a device`,
    {
      hint: `Types are ${dtypes.join(', ')}; devices are cpu, cuda and cuda:N`,
    },
  );
}

function isDtype(name: string): name is Dtype {
  return (dtypes as readonly string[]).includes(name);
}

function optionalHandle(tensor: Tensor | undefined, what?: string): Handle | undefined {
  return tensor === undefined ? undefined : handleOf(tensor, what);
}

/** `device` as LibTorch writes it; throws `NO_DEVICE` where it is not there. */
export function checkedDevice(device: Device): Device {
  if (typeof device === 'string' && device.startsWith('cuda')) cudaDevices();
  return native().checkDevice(device);
}

/** Values of `a` where `condition` holds, else of `b`. */
export function where(condition: Tensor, a: Tensor, b: Tensor): Tensor {
  return one(
    ops.where(handleOf(condition, 'where: condition'), handleOf(a, 'where: a'), handleOf(b, 'where: b')),
  );
}

/** Tensors one after the other along a dimension that they have. */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  return one(ops.cat(handlesOf(tensors, 'cat'), dim));
}

/** Tensors of one shape along a new dimension. */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  return one(ops.stack(handlesOf(tensors, 'stack'), dim));
}

export { one, many, pair, handlesOf, isTensor, optionalHandle, registry, type NativeResult };
