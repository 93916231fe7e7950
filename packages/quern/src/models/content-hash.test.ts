import { createHash } from 'node:crypto';
import {
  appendFile,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { contentHash } from './content-hash.ts';

const folder = temporaryFolder();
const longAgo = new Date(Date.now() - 3_600_000);
let files = 0;

/** A file whose content is an hour old, and a cache of its own. */
async function fileWith(content: string | Buffer): Promise<{ path: string; cache: string }> {
  const cache = join(folder, `cache ${files}`);
  const path = join(folder, `model ${files++}.gguf`);
  await writeFile(path, content);
  await utimes(path, longAgo, longAgo);
  return { path, cache };
}

/** The hash, and the bytes that were read for it. */
async function counted(path: string, cache: string): Promise<{ hash: string; bytes: number }> {
  let bytes = 0;
  const onWork = () => ({ update: (done: number) => void (bytes = done), stop: () => undefined });
  return { hash: await contentHash(path, { folder: cache, onWork }), bytes };
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

describe('the hash of a file', () => {
  it('is read once', async () => {
    const content = Buffer.alloc(3_000_000, 'model');
    const { path, cache } = await fileWith(content);
    expect(await counted(path, cache)).toEqual({ hash: sha256(content), bytes: content.length });
    expect(await counted(path, cache)).toEqual({ hash: sha256(content), bytes: 0 });
  });

  it('is known by whatever link leads to the file', async () => {
    const { path, cache } = await fileWith('model');
    await symlink(path, `${path}.link`);
    await counted(path, cache);
    expect(await counted(`${path}.link`, cache)).toEqual({ hash: sha256('model'), bytes: 0 });
  });

  it('is another when the file grew, or was replaced by one of the same size and time', async () => {
    const { path, cache } = await fileWith('model');
    await counted(path, cache);
    await appendFile(path, 's');
    await utimes(path, longAgo, longAgo);
    expect((await counted(path, cache)).hash).toBe(sha256('models'));
    await writeFile(`${path}.new`, 'MODELS');
    await utimes(`${path}.new`, longAgo, longAgo);
    await rename(`${path}.new`, path);
    expect((await counted(path, cache)).hash).toBe(sha256('MODELS'));
  });

  it('is another when the file was written to in place and its time set back', async () => {
    const { path, cache } = await fileWith('model');
    await counted(path, cache);
    await writeFile(path, 'MODEL');
    await utimes(path, longAgo, longAgo);
    expect((await counted(path, cache)).hash).toBe(sha256('MODEL'));
  });

  it('is not remembered of a file that changed just now', async () => {
    const { path, cache } = await fileWith('model');
    await writeFile(path, 'model');
    expect((await counted(path, cache)).bytes).toBe(5);
    expect((await counted(path, cache)).bytes).toBe(5);
  });

  it.each<[string, (text: string) => string]>([
    ['cut off', (text) => text.slice(0, -10)],
    ['empty', () => ''],
    ['of another hash', (text) => text.replace(/[0-9a-f]{64}/, '0'.repeat(64))],
    ['noise', () => '\0\ufffd\n\n\n'],
  ])('is read again where what was remembered is %s', async (_, damage) => {
    const { path, cache } = await fileWith('model');
    await counted(path, cache);
    const [name] = await readdir(join(cache, 'hashes'));
    const memo = join(cache, 'hashes', name);
    await writeFile(memo, damage(await readFile(memo, 'utf8')));
    expect(await counted(path, cache)).toEqual({ hash: sha256('model'), bytes: 5 });
    expect(await counted(path, cache)).toEqual({ hash: sha256('model'), bytes: 0 });
    expect(await readdir(join(cache, 'hashes'))).toEqual([name]);
  });

  it('needs no folder that can be written to', async () => {
    const { path } = await fileWith('model');
    expect((await counted(path, join(path, 'cache'))).hash).toBe(sha256('model'));
    expect((await stat(path)).isFile()).toBe(true);
  });

  it('is only of a file that is there, and stops when it is told to', async () => {
    const { path, cache } = await fileWith('model');
    await mkdir(join(folder, 'a folder'));
    await expect(contentHash(join(folder, 'a folder'), { folder: cache })).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
    await expect(contentHash(join(folder, 'none'), { folder: cache })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    const signal = AbortSignal.abort();
    await expect(contentHash(path, { folder: cache, signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
