import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Warnings } from '../warnings.ts';
import { compareBytes } from '../byte-order.ts';
import type { Document } from './records.ts';
import { textFilesCorpus } from './text-files.ts';

const parent = mkdtempSync(join(tmpdir(), 'quern-text-'));
const folder = join(parent, 'texts');
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
});
afterAll(() => rmSync(parent, { recursive: true }));

function write(name: string, content: string | Uint8Array = `text of ${name}`): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
}

async function documents(path = folder, warnings = new Warnings()): Promise<Document[]> {
  const found: Document[] = [];
  for await (const { document } of (await textFilesCorpus(path, { warnings })).documents())
    found.push(document);
  return found;
}

describe('a folder of text files', () => {
  it('has a document for every .txt, .md and .text file at any depth, named by its path', async () => {
    for (const name of ['a.txt', 'b/c.md', 'b/d/e.TEXT', 'skipped.pdf', 'txt', 'b/skipped.txt.bak'])
      write(name);
    expect(await documents()).toEqual(
      ['a.txt', 'b/c.md', 'b/d/e.TEXT'].map((id) => ({ id, title: '', text: `text of ${id}` })),
    );
  });

  it('is read in the byte order of its paths', async () => {
    const names = [
      'a/z.txt',
      'a.txt',
      'a-b.txt',
      'B.txt',
      'a/b/c.txt',
      'a0.txt',
      'é.txt',
      '\u{1f600}.txt',
      '\uff5e.txt',
    ];
    for (const name of names) write(name);
    expect((await documents()).map(({ id }) => id)).toEqual(names.toSorted(compareBytes));
  });

  it('is not followed through symbolic links, which is counted', async () => {
    const target = write('a.txt');
    symlinkSync(target, join(folder, 'link.txt'));
    symlinkSync(parent, join(folder, 'up'));
    const warnings = new Warnings();
    expect((await documents(folder, warnings)).map(({ id }) => id)).toEqual(['a.txt']);
    expect(warnings.list()).toMatchObject([{ message: 'symbolic link not followed', count: 2 }]);
  });

  it('is not read where it is hidden or node_modules, which is counted', async () => {
    for (const name of ['a.txt', '.git/desc.txt', '.hidden.txt', 'b/node_modules/x/README.md']) write(name);
    const warnings = new Warnings();
    expect((await documents(folder, warnings)).map(({ id }) => id)).toEqual(['a.txt']);
    expect(warnings.list()).toMatchObject([{ message: 'hidden or node_modules, skipped', count: 3 }]);
  });

  it('may hold empty files, which are counted and kept', async () => {
    const path = write('empty.md', '\n');
    const warnings = new Warnings();
    expect(await documents(folder, warnings)).toHaveLength(1);
    expect(warnings.list()).toEqual([{ message: 'empty document', count: 1, first: path }]);
  });

  it('with a file that is not UTF-8 is an error that names the file', async () => {
    const path = write('sub/latin1.txt', Buffer.from([0xe9]));
    await expect(documents()).rejects.toMatchObject({ code: 'BAD_INPUT', where: path });
  });

  it('with a file whose name has a control character or is not UTF-8 is an error', async () => {
    const path = write('a\tb.txt');
    await expect(documents()).rejects.toMatchObject({ code: 'BAD_INPUT', where: path });
    rmSync(path);
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff]), Buffer.from('.txt')]), 'x');
    await expect(documents()).rejects.toMatchObject({ code: 'BAD_INPUT', where: folder });
  });
});

describe('a single text file', () => {
  it('is one document, whatever its name', async () => {
    expect(await documents(write('notes.log'))).toEqual([
      { id: 'notes.log', title: '', text: 'text of notes.log' },
    ]);
  });

  it('that is missing is an error', async () => {
    await expect(documents(join(folder, 'missing.txt'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
