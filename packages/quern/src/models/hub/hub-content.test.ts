import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { array, assert, asyncProperty, constantFrom, nat, uint8Array } from 'fast-check';
import { expect, it } from 'vitest';
import { gitBlobId, noise, sha256 } from '../../../test/fake-hub.ts';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { IncomingFile } from './hub-content.ts';
import type { HubFile } from './hub-listing.ts';

const folder = temporaryFolder();

function newPath(): string {
  return join(mkdtempSync(join(folder, 'content-')), 'x.incomplete');
}

function hubFile(content: Buffer, kind: 'lfs' | 'git'): HubFile {
  const blobId = gitBlobId(content);
  return { name: 'x', size: content.length, blobId, ...(kind === 'lfs' ? { sha256: sha256(content) } : {}) };
}

it('a file is right whatever the parts it came in, over as many runs', async () => {
  const cuts = array(nat(5000), { maxLength: 6 });
  await assert(
    asyncProperty(
      uint8Array({ maxLength: 5000 }),
      cuts,
      constantFrom('lfs', 'git'),
      async (bytes, ends, kind) => {
        const content = Buffer.from(bytes);
        const path = newPath();
        const expected = hubFile(content, kind);
        for (const end of [...ends.toSorted((a, b) => a - b), content.length]) {
          const incoming = await IncomingFile.open(path, expected);
          await incoming.append(content.subarray(incoming.received, end));
          expect(incoming.isRight()).toBe(incoming.received === content.length);
          await incoming.close();
        }
        const whole = await IncomingFile.open(path, expected);
        expect(whole.isRight()).toBe(true);
        await whole.finish(path.replace('.incomplete', ''));
        expect(readdirSync(join(path, '..'))).toEqual(['x']);
        expect(readFileSync(path.replace('.incomplete', '')).equals(content)).toBe(true);
      },
    ),
    { numRuns: 40 },
  );
});

it('a file of the right size and another content is wrong, until it is begun anew', async () => {
  const content = noise(1000);
  const path = newPath();
  writeFileSync(path, noise(1000, 'other'));
  const incoming = await IncomingFile.open(path, hubFile(content, 'lfs'));
  expect([incoming.isWhole, incoming.isRight()]).toEqual([true, false]);
  await incoming.restart();
  expect(readFileSync(path)).toHaveLength(0);
  await incoming.append(content);
  expect(incoming.isRight()).toBe(true);
  await incoming.remove();
  expect(readdirSync(join(path, '..'))).toEqual([]);
});

it('what an earlier run left is read until it is told to stop', async () => {
  const path = newPath();
  writeFileSync(path, noise(1000));
  const opened = IncomingFile.open(path, hubFile(noise(1001), 'lfs'), AbortSignal.abort());
  await expect(opened).rejects.toMatchObject({ code: 'ABORTED' });
  expect(readFileSync(path)).toHaveLength(1000);
});

it('where no file can be, the place is named', async () => {
  const path = join(folder, 'none', 'x');
  await expect(IncomingFile.open(path, hubFile(noise(1), 'git'))).rejects.toMatchObject({
    code: 'NOT_FOUND',
    where: path,
  });
});
