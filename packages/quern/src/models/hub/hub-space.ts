import { byteSize } from '../../byte-size.ts';
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
