/** The memory of a GPU that nobody has taken. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { freeMemory } from '../models/free-memory.ts';

/**
 * What the driver's own tool knows a GPU by that programs know by its number: those that `CUDA_VISIBLE_DEVICES` names are counted,
 * where it is set.
 */
export function gpuNamed(
  number: number,
  { CUDA_VISIBLE_DEVICES: visible }: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (visible === undefined) return String(number);
  const name = visible.split(',')[number]?.trim();
  return name !== undefined && /^[\w-]+$/.test(name) ? name : undefined;
}

/** Bytes that can be taken on a device: of a GPU what the driver's own tool tells, or without limit where that tells nothing. */
export async function freeDeviceMemory(device: string): Promise<number> {
  if (device === 'cpu') return freeMemory();
  const number = gpuNamed(Number(/^cuda:(\d+)$/.exec(device)?.[1] ?? 0), process.env);
  if (number === undefined) return Infinity;
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
