import { mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { NewFile, writeNewFile } from './new-file.ts';

const root = temporaryFolder();
let count = 0;

function newFolder(): string {
  const folder = join(root, String(count++));
  mkdirSync(folder);
  return folder;
}

it('has its name only once it is whole', async () => {
  const folder = newFolder();
  const path = join(folder, 'a.bin');
  writeFileSync(path, 'old');
  const file = await NewFile.create(path);
  await file.write(Buffer.from('new '));
  await file.write(Buffer.alloc(3 << 20, 'x'));
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(file.bytes).toBe(4 + (3 << 20));
  await file.finish();
  await file.discard();
  expect(readFileSync(path, 'utf8')).toBe(`new ${'x'.repeat(3 << 20)}`);
  expect(readdirSync(folder)).toEqual(['a.bin']);
});

it('leaves nothing where writing fails', async () => {
  const folder = newFolder();
  const failing = writeNewFile(join(folder, 'a.bin'), async (file) => {
    await file.write(Buffer.from('half'));
    throw new Error('on purpose');
  });
  await expect(failing).rejects.toThrow('on purpose');
  expect(readdirSync(folder)).toEqual([]);
});

it('follows a link to the file that it replaces', async () => {
  const folder = newFolder();
  writeFileSync(join(folder, 'target'), 'old');
  symlinkSync('target', join(folder, 'link'));
  await writeNewFile(join(folder, 'link'), (file) => file.write(Buffer.from('new')));
  expect(readFileSync(join(folder, 'target'), 'utf8')).toBe('new');
  expect(readdirSync(folder).toSorted()).toEqual(['link', 'target']);
});

it('clears what dead processes left of the same file, and nothing else', async () => {
  const folder = newFolder();
  const path = join(folder, 'a.bin');
  const living = await NewFile.create(path);
  const [own] = readdirSync(folder);
  const host = own.split('-')[1];
  const dead = `.a.bin.999999999-${host}-00000000.tmp`;
  const kept = [
    `.b.bin.999999999-${host}-00000000.tmp`,
    '.a.bin.notes.tmp',
    '.a.bin.999999999-11111111-00000000.tmp',
  ];
  const abandoned = '.a.bin.999999999-22222222-00000000.tmp';
  for (const name of [dead, abandoned, ...kept]) writeFileSync(join(folder, name), '');
  utimesSync(join(folder, abandoned), 1e9, 1e9);
  await writeNewFile(path, (file) => file.write(Buffer.from('new')));
  expect(readdirSync(folder).toSorted()).toEqual([own, ...kept, 'a.bin'].toSorted());
  await living.discard();
});

it('refuses a folder, and a place in a folder that is not there', async () => {
  const folder = newFolder();
  await expect(NewFile.create(folder)).rejects.toMatchObject({ code: 'IO' });
  const missing = join(folder, 'missing');
  await expect(NewFile.create(join(missing, 'a'))).rejects.toMatchObject({
    code: 'NOT_FOUND',
    where: missing,
  });
});
