import type { Device } from '@quern/libtorch';
import type { Environment } from '../../collections/environment.ts';
import { QuernError } from '../../errors.ts';

/** The device that `QUERN_DEVICE` names, with its number; undefined where it is not set. Throws `USAGE`. */
export function namedDevice(env: Environment): Device | undefined {
  const named = env['QUERN_DEVICE'] || undefined;
  if (named === undefined || /^(?:cpu|cuda:\d{1,3})$/.test(named)) return named;
  if (named === 'cuda') return 'cuda:0';
  throw new QuernError('USAGE', `is cpu, cuda or cuda:N, not ${JSON.stringify(named.slice(0, 40))}`, {
    where: 'QUERN_DEVICE',
  });
}
