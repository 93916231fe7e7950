import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { checkSpace } from './hub-space.ts';

const folder = temporaryFolder();

it('more bytes than are free are refused with both figures, fewer are not', async () => {
  await checkSpace(folder, 0);
  await checkSpace(folder, 1000);
  await expect(checkSpace(folder, 2 ** 53 - 1)).rejects.toMatchObject({
    code: 'DISK_FULL',
    where: folder,
    message: expect.stringMatching(/9\.0 PB are needed, and \d+(\.\d)? (bytes|[kMGTP]B) are free/),
    hint: expect.stringContaining('HF_HUB_CACHE'),
  });
});

it('nothing is refused where the system does not tell what is free', async () => {
  await expect(checkSpace(join(folder, 'none'), 2 ** 53 - 1)).resolves.toBeUndefined();
});
