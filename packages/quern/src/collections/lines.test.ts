import { mkdtempSync, mkdirSync, openSync, rmSync, ftruncateSync, closeSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import type { ReadOptions } from './bytes.ts';
import { LONGEST_TEXT_BYTES, readLines, readText } from './lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-lines-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function texts(path: string, options?: ReadOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const { text, number } of readLines(path, options)) {
    found.push(text);
    expect(number).toBe(found.length);
  }
  return found;
}

describe('lines of a file', () => {
  it('end with \\n or \\r\\n, and the last one also with the file', async () => {
    expect(await texts(file('a.txt', 'one\r\ntwo\n\nfour'))).toEqual(['one', 'two', '', 'four']);
    expect(await texts(file('b.txt', 'one\n'))).toEqual(['one']);
    expect(await texts(file('c.txt', ''))).toEqual([]);
  });

  it('keep a carriage return inside of a line and other Unicode line separators', async () => {
    expect(await texts(file('cr.txt', 'a\rb\u2028c\u0085d\n'))).toEqual(['a\rb\u2028c\u0085d']);
  });

  it('lose a byte order mark at the start of the file, and only there', async () => {
    expect(await texts(file('bom.txt', '\ufeffone\n\ufefftwo'))).toEqual(['one', '\ufefftwo']);
  });

  it('are the same from a gzip file, whatever its name', async () => {
    expect(await texts(file('plain-name.txt', gzipSync('é\nb\n')))).toEqual(['é', 'b']);
    expect(await texts(file('not-gzip.txt.gz', 'é\nb\n'))).toEqual(['é', 'b']);
  });

  it('come from every member of a gzip file', async () => {
    const members = Buffer.concat([gzipSync('a\nb'), gzipSync('c\nd')]);
    expect(await texts(file('members.gz', members))).toEqual(['a', 'bc', 'd']);
  });

  it('are whole where they cross the chunks in which the file is read', async () => {
    const long = 'ä'.repeat(300_000);
    const content = `x\n${long}\r\n${long}\ny`;
    expect(await texts(file('long.txt', content))).toEqual(['x', long, long, 'y']);
    expect(await texts(file('long.gz', gzipSync(content)))).toEqual(['x', long, long, 'y']);
  });

  it('with invalid UTF-8 are an error at file and line', async () => {
    const path = file('latin1.txt', Buffer.from('one\ncaf\xe9\n', 'latin1'));
    await expect(texts(path)).rejects.toMatchObject({ code: 'BAD_INPUT', where: `${path}:2` });
    const utf16 = file('utf16.txt', Buffer.from('\ufeffone\n', 'utf16le'));
    await expect(texts(utf16)).rejects.toMatchObject({ code: 'BAD_INPUT', where: `${utf16}:1` });
  });

  it('of more than 256 MiB are an error, without the rest of the file being read', async () => {
    const path = join(folder, 'endless.txt');
    const handle = openSync(path, 'w');
    ftruncateSync(handle, LONGEST_TEXT_BYTES * 2);
    closeSync(handle);
    let bytes = 0;
    const reading = texts(path, { onBytes: (count) => (bytes += count) });
    await expect(reading).rejects.toMatchObject({ code: 'BAD_INPUT', where: `${path}:1` });
    expect(bytes).toBeLessThan(LONGEST_TEXT_BYTES * 1.01);
  });

  it('from truncated, damaged or empty gzip are an error, after those that could be read', async () => {
    const whole = gzipSync(Array.from({ length: 100_000 }, (_, i) => `${i * 7919}`).join('\n'));
    const cut = file('cut.gz', whole.subarray(0, whole.length - 9));
    await expect(texts(cut)).rejects.toMatchObject({ code: 'CORRUPT_FILE', where: cut });
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 5000, 5100);
    await expect(texts(file('damaged.gz', damaged))).rejects.toMatchObject({ code: 'CORRUPT_FILE' });
    await expect(texts(file('empty.gz', ''))).rejects.toMatchObject({ code: 'CORRUPT_FILE' });
  });

  it('of a missing file, a folder or an impossible path are an error', async () => {
    await expect(texts(join(folder, 'missing'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(texts(folder)).rejects.toMatchObject({ code: 'IO', where: folder });
    await expect(texts(`${file('f', 'x')}/below`)).rejects.toMatchObject({ code: 'IO' });
    await expect(texts('nul\0byte')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(texts('')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('can be left early', async () => {
    const path = file('early.gz', gzipSync('a\nb\nc\n'.repeat(500_000)));
    for await (const { text } of readLines(path)) {
      expect(text).toBe('a');
      break;
    }
  });

  it('stop on request', async () => {
    const signal = AbortSignal.abort();
    await expect(texts(file('abort.txt', 'a'), { signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('tell how many stored bytes were read', async () => {
    const content = gzipSync('a\n'.repeat(1000));
    let bytes = 0;
    await texts(file('told.gz', content), { onBytes: (count) => (bytes += count) });
    expect(bytes).toBe(content.length);
  });
});

describe('the text of a file', () => {
  it('is all of it but a byte order mark', async () => {
    expect(await readText(file('text.txt', '\ufeffa\r\nb\n'))).toBe('a\r\nb\n');
    expect(await readText(file('text.gz', gzipSync('a\nb\n')))).toBe('a\nb\n');
    expect(await readText(file('none.txt', ''))).toBe('');
  });

  it('is an error where it is not UTF-8 or not a file', async () => {
    const path = file('bad.txt', Buffer.from([0xc3, 0x28]));
    await expect(readText(path)).rejects.toMatchObject({ code: 'BAD_INPUT', where: path });
    mkdirSync(join(folder, 'sub'));
    await expect(readText(join(folder, 'sub'))).rejects.toMatchObject({ code: 'IO' });
  });
});
