import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/temporary-folder.ts';
import { checkFolderOf, writeLines } from './whole-file.ts';

const folder = temporaryFolder();

function* brokenLines(): Generator<string> {
  yield 'new';
  throw new Error('no more');
}

describe('a file that is written whole', () => {
  it('holds its lines, as gzip where its name says so', async () => {
    await writeLines(join(folder, 'a'), ['one', 'two']);
    await writeLines(join(folder, 'a.gz'), ['one', 'two']);
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('one\ntwo\n');
    expect(gunzipSync(readFileSync(join(folder, 'a.gz'))).toString()).toBe('one\ntwo\n');
  });

  it('leaves an older file as it was, and nothing else, where its lines fail', async () => {
    const path = join(folder, 'old');
    writeFileSync(path, 'old');
    const before = readdirSync(folder);
    await expect(writeLines(path, brokenLines())).rejects.toThrow('no more');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(before);
  });

  it('follows a link, and keeps it', async () => {
    const [target, link] = [join(folder, 'target'), join(folder, 'link')];
    writeFileSync(target, 'old');
    symlinkSync(target, link);
    await writeLines(link, ['new']);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, 'utf8')).toBe('new\n');
  });

  it('does not replace a device', async () => {
    await writeLines('/dev/null', ['gone']);
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it('does not replace a folder', async () => {
    const path = join(folder, 'folder');
    mkdirSync(path);
    await expect(writeLines(path, ['x'])).rejects.toMatchObject({ name: 'QuernError', code: 'IO' });
    expect(lstatSync(path).isDirectory()).toBe(true);
  });

  it('needs its folder, which can be asked for beforehand', async () => {
    await expect(checkFolderOf(join(folder, 'none', 'x'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(checkFolderOf(join(folder, 'a', 'x'))).rejects.toMatchObject({ code: 'IO' });
    await expect(checkFolderOf(join(folder, 'x'))).resolves.toBeUndefined();
  });
});
