import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { BlockReader } from './block-reader.ts';

const folder = temporaryFolder();

it('lines that are asked for nearly in their order are read from the disk once, over the ends of blocks too', async () => {
  const path = join(folder, 'lines');
  const lines = Array.from({ length: 3008 }, (_, i) => `${i} ${'x'.repeat((i * 7919) % 2000)}`);
  lines[100] = 'y'.repeat(700_000);
  writeFileSync(path, `${lines.join('\n')}\n`);
  const starts: number[] = [];
  let start = 0;
  for (const line of lines) {
    starts.push(start);
    start += line.length + 1;
  }
  const file = await open(path);
  const reader = new BlockReader(file);
  try {
    for (let i = 0; i < lines.length; i++) {
      // As calls end that are made several at once.
      const at = i ^ 37;
      expect((await reader.line(starts[at])).toString()).toBe(lines[at]);
    }
    expect(reader.reads).toBeLessThanOrEqual(Math.ceil(start / (256 * 1024)) + 1);
  } finally {
    await file.close();
  }
});
