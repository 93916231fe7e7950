import { cudaDeviceCount, type Device } from '@quern/libtorch';
import type { Environment } from '../../collections/environment.ts';
import { QuernError } from '../../errors.ts';
import { quernError } from './torch-error.ts';

/**
 * The device that models on LibTorch run on: `QUERN_DEVICE` (`cpu`, `cuda` or `cuda:N`), else the first GPU, else the processor.
 * Throws `USAGE` for another name, `UNSUPPORTED` for a GPU that is not there, and `MISSING_PACKAGE` without LibTorch.
 */
export function torchDevice(env: Environment = process.env): Device {
  try {
    const named = env['QUERN_DEVICE'] || undefined;
    if (named === undefined) return cudaDeviceCount() > 0 ? 'cuda:0' : 'cpu';
    const parsed = /^(?:cpu|cuda(?::(\d{1,3}))?)$/.exec(named);
    if (!parsed) {
      throw new QuernError('USAGE', `is cpu, cuda or cuda:N, not ${JSON.stringify(named.slice(0, 40))}`, {
        where: 'QUERN_DEVICE',
      });
    }
    if (named === 'cpu') return named;
    const count = cudaDeviceCount();
    if (Number(parsed[1] ?? 0) < count) return named;
    throw new QuernError(
      'UNSUPPORTED',
      count === 0 ? 'no GPU can be used' : `there are ${count} GPUs, and ${named} is none of them`,
      { where: 'QUERN_DEVICE', hint: 'Set it to cpu, or leave it out' },
    );
  } catch (error) {
    throw quernError(error);
  }
}
