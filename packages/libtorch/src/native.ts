/** The addon: found and loaded when the first tensor is made. */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { LibTorchError, type LibTorchErrorCode } from './errors.ts';
import { hasGpuDriver } from './gpu-driver.ts';
import { addonState, buildsFolder, type Build } from './location.ts';

/** The number of a tensor in the addon's table. */
export type Handle = number;

/** What operators take: handles stand for tensors. */
export type NativeArgument =
  number | bigint | boolean | string | undefined | readonly (number | undefined)[] | readonly boolean[];

/** What operators return: handles, lists of them, or values. */
export type NativeResult = number | bigint | boolean | undefined | NativeResult[];

/** How many bytes and tensors are held. */
export interface Memory {
  /** Bytes of the processor's memory that tensors hold. */
  readonly bytes: number;
  /** The most since the start, or since `resetPeakMemory`. */
  readonly peakBytes: number;
  /** Blocks of memory taken since the start. */
  readonly allocations: number;
  /** Bytes on GPUs. */
  readonly deviceBytes: number;
  readonly devicePeakBytes: number;
  /** Tensors that JavaScript holds. */
  readonly tensors: number;
  /** Bytes that V8 was told of. */
  readonly reportedBytes: number;
}

export interface Drawn {
  readonly tokens: Int32Array;
  readonly logProbabilities: Float32Array;
  readonly drawnLogProbabilities: Float32Array;
}

export interface Native {
  readonly version: string;
  setErrors(errorOf: (code: LibTorchErrorCode, message: string) => LibTorchError): void;
  operator(name: string, overload: string): number;
  call(operator: number, ...args: NativeArgument[]): NativeResult;
  fromBytes(bytes: ArrayBufferView, shape: readonly number[], dtype: string): Handle;
  writeBytes(tensor: Handle, offset: number, bytes: ArrayBufferView): void;
  toBytes(tensor: Handle): ArrayBuffer;
  item(tensor: Handle): number | bigint | boolean;
  shape(tensor: Handle): number[];
  facts(tensor: Handle): {
    dtype: string;
    device: string;
    requiresGrad: boolean;
    isLeaf: boolean;
    isContiguous: boolean;
  };
  changes(tensor: Handle): number;
  free(tensor: Handle): boolean;
  freeAll(tensors: readonly Handle[]): void;
  isAlive(tensor: Handle): boolean;
  backward(outputs: readonly Handle[], gradients: readonly (Handle | undefined)[], retain: boolean): void;
  grad(
    outputs: readonly Handle[],
    inputs: readonly Handle[],
    gradients: readonly (Handle | undefined)[],
    retain: boolean,
    allowUnused: boolean,
  ): (Handle | undefined)[];
  gradient(tensor: Handle): Handle | undefined;
  setGradient(tensor: Handle, gradient: Handle | undefined): void;
  setRequiresGrad(tensor: Handle, requires: boolean): void;
  gradMode(enabled: boolean): boolean;
  autocast(device: string, dtype: string | undefined): string | undefined;
  memory(): Memory;
  resetPeak(): void;
  setScoped(isScoped: boolean): void;
  generator(device: string, seed: number): number;
  freeGenerator(generator: number): boolean;
  seed(generator: number | string, seed: number): void;
  generatorState(generator: number | string): Handle;
  setGeneratorState(generator: number | string, state: Handle): void;
  threads(count?: number): number;
  devices(): number;
  checkDevice(device: string): string;
  synchronize(device: string): void;
  deterministic(only: boolean): void;
  cudnnAttention(enabled: boolean): void;
  sample(
    logits: Handle,
    used: Handle | undefined,
    temperature: number,
    topK: number,
    topP: number,
    repetitionPenalty: number,
    seeds: readonly number[],
    positions: readonly number[],
  ): Drawn;
  tokenLogProbabilities(
    hidden: Handle,
    weight: Handle,
    targets: Handle,
    temperature: number,
    chunk: number,
    withEntropies: boolean,
  ): [Handle, Handle];
  decoderStep(
    x: Handle,
    layers: readonly (Handle | undefined)[],
    finalNorm: Handle,
    head: Handle,
    cos: Handle,
    sin: Handle,
    lengths: readonly number[],
    heads: number,
    keyValueHeads: number,
    epsilon: number,
  ): Handle;
}

/** What mends a build that is missing or old. */
const setupHint = 'Run `quern setup torch`';

/** What can be done about what the addon refuses. */
const hints: Partial<Record<LibTorchErrorCode, string>> = {
  FREED: 'What leaves a scope is returned from it, or kept by keep()',
  OUT_OF_MEMORY:
    'Free what is needed no more, a scope around each step of a loop does, or take less at a time',
  WRONG_DEVICE: 'Move one to the device of the other with to()',
  NO_DEVICE: '`quern doctor` says what GPUs and drivers are there',
};

interface Loaded {
  readonly native: Native;
  readonly build: Build;
}

let loaded: Loaded | undefined;

/** The addon. Throws `NOT_BUILT` and `WRONG_VERSION`. */
export function native(): Native {
  return (loaded ??= load()).native;
}

/** The build that is in use; loads it. */
export function loadedBuild(): Build {
  return (loaded ??= load()).build;
}

/** Has {@link native} be the addon of this build. Throws `WRONG_VERSION`. */
export function useBuild(build: Build & { readonly addon: string }): void {
  loaded = loadFrom(build);
}

function load(): Loaded {
  const folder = buildsFolder();
  const found = addonState(folder);
  switch (found.state) {
    case 'current':
      return loadFrom(found.build);
    case 'missing':
      throw new LibTorchError('NOT_BUILT', `no addon for LibTorch is built in ${folder}`, {
        hint: setupHint,
      });
    case 'stale':
      throw new LibTorchError('WRONG_VERSION', `the addon cannot be used: ${found.why}`, {
        hint: `${setupHint}, which builds it anew`,
      });
  }
}

function loadFrom(build: Build & { readonly addon: string }): Loaded {
  // LibTorch's threads would otherwise spin while they wait, and take the cores from each other.
  process.env['OMP_WAIT_POLICY'] ??= 'PASSIVE';
  const addon = { exports: {} as Native };
  try {
    process.dlopen(addon, build.addon, constants.dlopen.RTLD_NOW);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LibTorchError('WRONG_VERSION', `the addon cannot be loaded (${reason})`, {
      hint: `It was built for LibTorch ${build.version}, which may have changed. ${setupHint}, which builds it anew`,
      cause,
    });
  }
  addon.exports.setErrors((code, message) => new LibTorchError(code, message, { hint: hints[code] }));
  return { native: addon.exports, build };
}

let isCudaTried = false;

/** Loads the half of LibTorch that drives GPUs, where there are any; returns how many there are. */
export function cudaDevices(): number {
  const addon = native();
  if (!isCudaTried) {
    isCudaTried = true;
    const library = join(loadedBuild().libtorch, 'lib', 'libtorch_cuda.so');
    if (hasGpuDriver() && existsSync(library)) {
      try {
        process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL);
      } catch {
        // It is no addon, and Node says so; it is loaded all the same.
      }
    }
  }
  return addon.devices();
}
