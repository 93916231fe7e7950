import { cudaDeviceCount, type Device } from '@quern/libtorch';
import { hasGpuDriver } from '@quern/libtorch/setup';
import type { Environment } from '../../collections/environment.ts';
import { QuernError } from '../../errors.ts';
import { namedDevice } from './named-device.ts';
import { quernError } from './torch-error.ts';

/**
 * The device that models on LibTorch run on: `QUERN_DEVICE` (`cpu`, `cuda` or `cuda:N`), else the first GPU, else the processor.
 * Throws `USAGE` for another name, `UNSUPPORTED` for a GPU that is not there, and `MISSING_PACKAGE` without LibTorch.
 */
export function torchDevice(env: Environment = process.env): Device {
  const named = namedDevice(env);
  if (named === 'cpu') return named;
  try {
    const count = cudaDeviceCount();
    if (named === undefined) return count > 0 ? 'cuda:0' : 'cpu';
    if (Number(named.slice('cuda:'.length)) < count) return named;
    throw new QuernError(
      'UNSUPPORTED',
      count === 0 ? 'no GPU can be used' : `there are ${count} GPUs, and ${named} is none of them`,
      { where: 'QUERN_DEVICE', hint: 'Set it to cpu, or leave it out; quern doctor says what is there' },
    );
  } catch (error) {
    throw quernError(error);
  }
}

/** {@link torchDevice}, without loading LibTorch where that is not needed, and without asking whether a named one is there. */
export function expectedDevice(env: Environment = process.env): Device {
  return namedDevice(env) ?? (hasGpuDriver() ? torchDevice(env) : 'cpu');
}

/** The type that a model computes in where nothing else is asked for: GPUs are made for bfloat16, processors are not. */
export function generationDtype(device: Device): 'float32' | 'bfloat16' {
  return device === 'cpu' ? 'float32' : 'bfloat16';
}
