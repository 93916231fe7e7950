/** The memory of a GPU that nobody has taken. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { freeMemory } from '../models/free-memory.ts';

/** Bytes that can be taken on a device: of a GPU what the driver's own tool tells, or without limit where that tells nothing. */
export async function freeDeviceMemory(device: string): Promise<number> {
  if (device === 'cpu') return freeMemory();
  const number = /^cuda:(\d+)$/.exec(device)?.[1] ?? '0';
  try {
    const { stdout } = await promisify(execFile)(
      'nvidia-smi',
      ['--query-gpu=memory.free', '--format=csv,noheader,nounits', '-i', number],
      { timeout: 10_000 },
    );
    const mebibytes = Number(stdout.trim().split('\n')[0]);
    return Number.isFinite(mebibytes) && mebibytes > 0 ? mebibytes * 2 ** 20 : Infinity;
  } catch {
    return Infinity;
  }
}
