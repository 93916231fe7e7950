/** The machine as LibTorch sees it: threads, GPUs, memory. */
import { LibTorchError } from './errors.ts';
import { cudaDevices, loadedBuild, native, type Memory } from './native.ts';
import type { Build } from './location.ts';
import { checkedDevice, type Device } from './tensor.ts';

/** The build of the addon and LibTorch in use. Loads it; throws `NOT_BUILT` and `WRONG_VERSION`. */
export function libtorch(): Build {
  return loadedBuild();
}

/** How many threads one operation uses on the processor. */
export function getNumThreads(): number {
  return native().threads();
}

/** Sets that number. Throws `BAD_ARGUMENT`. */
export function setNumThreads(threads: number): void {
  if (typeof threads !== 'number')
    throw new LibTorchError('BAD_ARGUMENT', 'setNumThreads: a number is needed');
  native().threads(threads);
}

/** How many GPUs can be used. */
export function cudaDeviceCount(): number {
  return cudaDevices();
}

/** Waits until a GPU has done all that it was given. */
export function synchronize(device: Device): void {
  native().synchronize(checkedDevice(device));
}

/** Whether operators that have no deterministic way throw instead. */
export function useDeterministicAlgorithms(only: boolean): void {
  native().deterministic(only);
}

/**
 * Whether attention on a GPU may be cuDNN's. Off until it is turned on, unlike in PyTorch: cuDNN plans for some 40 ms whenever a
 * shape is new, and pays where few shapes come again and again.
 */
export function enableCudnnAttention(enabled: boolean): void {
  native().cudnnAttention(enabled);
}

/** Bytes and tensors that are held now. */
export function memory(): Memory {
  return native().memory();
}

/** Counts the peaks of {@link memory} anew. */
export function resetPeakMemory(): void {
  native().resetPeak();
}
