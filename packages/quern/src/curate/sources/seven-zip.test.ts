import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sevenZip from '7zip-bin';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { archiveDump } from './dump-source.ts';
import { archivedBytes, archivedFiles } from './seven-zip.ts';
import { firstRow } from './xml-rows.ts';

const folder = temporaryFolder();
const archive = join(folder, '-odd @name.7z');
const posts = `<posts>${Array.from({ length: 20_000 }, (_, i) => `<row Id="${i}" Body="${Math.sin(i)}" />\n`).join('')}</posts>`;

beforeAll(() => {
  chmodSync(sevenZip.path7za, 0o755);
  const source = join(folder, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'Posts.xml'), posts);
  writeFileSync(join(source, 'PostLinks.xml'), '<postlinks></postlinks>');
  execFileSync(sevenZip.path7za, ['a', '../-odd @name.7z', 'Posts.xml', 'PostLinks.xml'], {
    cwd: source,
    stdio: 'ignore',
  });
});

async function bytesOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString('utf8');
}

describe('an archive', () => {
  it('tells its files, and gives each from any byte on', async () => {
    expect((await archivedFiles(archive)).map(({ name, bytes }) => [name, bytes]).sort()).toEqual([
      ['PostLinks.xml', 23],
      ['Posts.xml', posts.length],
    ]);
    expect(await bytesOf(archivedBytes(archive, 'Posts.xml'))).toBe(posts);
    expect(await bytesOf(archivedBytes(archive, 'Posts.xml', { offset: 123_456 }))).toBe(
      posts.slice(123_456),
    );
  });

  it('is a dump with posts and links', async () => {
    const dump = await archiveDump(archive);
    expect(dump).toMatchObject({ label: '-odd @name.7z', posts: { bytes: posts.length } });
    expect(await bytesOf(dump.links!.read(firstRow))).toBe('<postlinks></postlinks>');
    expect(dump.users).toBeUndefined();
  });

  it('can be left before its end', async () => {
    for await (const chunk of archivedBytes(archive, 'Posts.xml')) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
  });

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
    [
      'damaged',
      (bytes: Buffer) =>
        Buffer.concat([bytes.subarray(0, 5000), Buffer.alloc(5000, 7), bytes.subarray(10_000)]),
    ],
    ['no archive', () => Buffer.from('no archive at all')],
    ['empty', () => Buffer.alloc(0)],
  ])('that is %s is an error', async (name, change) => {
    const path = join(folder, `${name}.7z`);
    writeFileSync(path, change(readFileSync(archive)));
    const reading = async (): Promise<string> => bytesOf((await archiveDump(path)).posts.read(firstRow));
    await expect(reading()).rejects.toThrow(/7-Zip cannot read it|holds no Posts\.xml/);
  });
});
