import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FileWriter, readBytes } from './file-writer.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'quern-file-writer-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function patterned(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7 + (i >> 8)) & 255);
}

describe('FileWriter', () => {
  it('writes what was appended, in pieces of any size, empty ones and ones beyond its buffer included', async () => {
    const folder = await temporaryFolder();
    const size = fc.oneof(fc.nat(40), fc.constantFrom(0, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2_500_000));
    await fc.assert(
      fc.asyncProperty(fc.array(size, { maxLength: 8 }), async (sizes) => {
        const path = join(folder, 'file');
        const writer = await FileWriter.create(path);
        const pieces = sizes.map(patterned);
        for (const piece of pieces) await writer.write(piece);
        const whole = Buffer.concat(pieces);
        expect(writer.written).toBe(whole.length);
        expect(writer.checksum).toBe(crc32(whole));
        await writer.close();
        expect(Buffer.compare(await readFile(path), whole)).toBe(0);
      }),
      { numRuns: 25 },
    );
  });

  it('appends the bytes of a view that covers a part of its buffer', async () => {
    const path = join(await temporaryFolder(), 'file');
    const writer = await FileWriter.create(path);
    await writer.write(Uint32Array.of(1, 2, 3).subarray(1, 2));
    await writer.close();
    expect([...(await readFile(path))]).toEqual([2, 0, 0, 0]);
  });

  it('lets several writers fill one file side by side', async () => {
    const path = join(await temporaryFolder(), 'file');
    const first = await FileWriter.create(path);
    const second = first.at(4);
    await second.write(Buffer.from('CD'));
    await first.write(Buffer.from('ab'));
    await second.write(Buffer.from('EF'));
    await first.write(Buffer.from('..'));
    await second.flush();
    await first.close();
    expect(await readFile(path, 'utf8')).toBe('ab..CDEF');
  });

  it('reads back what was flushed', async () => {
    const writer = await FileWriter.create(join(await temporaryFolder(), 'file'));
    onTestFinished(() => writer.discard());
    await writer.write(Buffer.from('abcdef'));
    await writer.flush();
    expect(Buffer.from(await writer.read(2, 3)).toString()).toBe('cde');
  });

  it('can be discarded at any time, more than once, and says so when it is used afterwards', async () => {
    const writer = await FileWriter.create(join(await temporaryFolder(), 'file'));
    await writer.write(Buffer.from('abc'));
    await writer.discard();
    await writer.discard();
    await expect(writer.close()).rejects.toMatchObject({ code: 'IO' });
  });

  it('names the place where it cannot be created', async () => {
    const path = join(await temporaryFolder(), 'missing', 'file');
    await expect(FileWriter.create(path)).rejects.toMatchObject({ code: 'NOT_FOUND', where: path });
  });
});

describe('readBytes', () => {
  it('says that a file is damaged where it ends too early', async () => {
    const path = join(await temporaryFolder(), 'file');
    const writer = await FileWriter.create(path);
    await writer.write(Buffer.from('abcdef'));
    await writer.close();
    const file = await open(path);
    onTestFinished(() => file.close());
    expect([...(await readBytes(file, path, 4, 2))]).toEqual([101, 102]);
    await expect(readBytes(file, path, 4, 3)).rejects.toMatchObject({
      code: 'CORRUPT_FILE',
      message: expect.stringContaining('byte 6'),
    });
  });
});
