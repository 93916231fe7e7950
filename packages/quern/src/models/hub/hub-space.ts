import { statfs } from 'node:fs/promises';
import { QuernError } from '../../errors.ts';

/**
 * Throws `DISK_FULL`, with both figures, unless `needed` bytes are free on the volume of `folder`. Where the system does
 * not tell, nothing is thrown: writing will.
 */
export async function checkSpace(folder: string, needed: number): Promise<void> {
  const volume = await statfs(folder).catch(() => undefined);
  // Some network volumes report no size at all.
  if (volume === undefined || volume.blocks === 0) return;
  const free = volume.bavail * volume.bsize;
  if (needed <= free) return;
  throw new QuernError('DISK_FULL', `${byteSize(needed)} are needed, and ${byteSize(free)} are free`, {
    where: folder,
    hint: 'Free some space, or set HF_HUB_CACHE to a folder on another volume; nothing was downloaded',
  });
}

/** A number of bytes in the decimal unit that suits it: `3.1 GB`. */
export function byteSize(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const unit = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return unit === 0 ? `${bytes} bytes` : `${(bytes / 1000 ** unit).toFixed(1)} ${units[unit]}`;
}
