import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../test/temporary-folder.ts';
import { readSmallText } from './small-text.ts';

const folder = temporaryFolder();
const path = join(folder, 'small.txt');

it('reads a text of up to a MiB, and says of a larger one what it is not', async () => {
  const whole = 'x'.repeat(1 << 20);
  writeFileSync(path, whole);
  expect(await readSmallText(path, 'gate')).toBe(whole);
  writeFileSync(path, `${whole}x`);
  await expect(readSmallText(path, 'gate')).rejects.toThrow(/is larger than 1048576 bytes, and no gate/);
});

it('leaves a byte order mark out', async () => {
  writeFileSync(path, '\ufeff{}');
  expect(await readSmallText(path, 'gate')).toBe('{}');
});

it.skipIf(process.platform === 'win32')('reads no more of a device that never ends', async () => {
  await expect(readSmallText('/dev/zero', 'gate')).rejects.toThrow(
    expect.objectContaining({ code: 'BAD_INPUT' }),
  );
});
