import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { libtorchFiles } from '../../test/fake-machine.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { zipFile, type ZippedFile } from '../../test/zip-file.ts';
import { archiveAddress, fetchArchive } from './archive.ts';

const root = temporaryFolder();
const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

const whole = Object.entries(libtorchFiles('2.13.0+cpu', 'archive')).map(([name, text]): ZippedFile => ({
  name: `libtorch/${name}`,
  text: text || name,
}));

/** The address of a file that a server on this machine gives. */
async function served(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  closing.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  await new Promise((listening) => server.once('listening', listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/libtorch.zip`;
}

async function fetched(bytes: Buffer): Promise<{ folder: string; fetching: Promise<string> }> {
  const folder = mkdtempSync(join(root, 'builds-'));
  const address = await served((_, response) => response.end(bytes));
  return { folder, fetching: fetchArchive(folder, { address }) };
}

it('is that of the machine, at PyTorch or a mirror, where there is one', () => {
  expect(archiveAddress({}, 'linux-x64')).toBe(
    'https://download.pytorch.org/libtorch/cpu/libtorch-shared-with-deps-2.13.0%2Bcpu.zip',
  );
  const mirror = { LIBTORCH_ARCHIVE: 'http://mirror/files/' };
  expect(archiveAddress(mirror, 'darwin-arm64')).toBe('http://mirror/files/libtorch-macos-arm64-2.13.0.zip');
  expect(archiveAddress({}, 'linux-arm64')).toBeUndefined();
});

it('is unpacked under the name of its version', async () => {
  const { folder, fetching } = await fetched(zipFile([{ name: 'libtorch/', text: '' }, ...whole]));
  expect(await fetching).toBe(join(folder, 'libtorch-2.13.0'));
  expect(readdirSync(folder)).toEqual(['libtorch-2.13.0']);
  expect(readFileSync(join(folder, 'libtorch-2.13.0/include/ATen/ATen.h'), 'utf8')).toBe(
    'include/ATen/ATen.h',
  );
});

describe('is refused, and nothing is left, where', () => {
  const damaged = zipFile(whole);
  damaged[damaged.indexOf('include/ATen/ATen.h', damaged.indexOf('ATen.h') + 6)] ^= 1;
  const link: ZippedFile = { name: 'libtorch/lib/link', text: '/etc', mode: 0o120777 };
  it.each([
    [
      'a name leads out of it',
      zipFile([...whole, { name: '../out', text: '' }]),
      /invalid relative path: \.\.\/out/,
    ],
    ['a name is absolute', zipFile([...whole, { name: '/tmp/out', text: '' }]), /absolute path: \/tmp\/out/],
    [
      'a name leads out by backslashes',
      zipFile([...whole, { name: 'a\\..\\..\\out', text: '' }]),
      /invalid relative/,
    ],
    ['it has a link', zipFile([...whole, link]), /libtorch\/lib\/link in the archive is a link/],
    ['a name comes twice', zipFile([...whole, whole[0]]), /EEXIST/],
    ['it is cut off', zipFile(whole).subarray(0, -100), /end of central directory/i],
    ['a file in it is damaged', damaged, /include\/ATen\/ATen\.h in the archive is damaged/],
    ['it holds something else', zipFile([{ name: 'other/a', text: '' }]), /it is no folder/],
    ['it holds half of LibTorch', zipFile(whole.slice(0, 2)), /there is no include\/torch/],
  ])('%s', async (_, bytes, message) => {
    const { folder, fetching } = await fetched(bytes);
    await expect(fetching).rejects.toMatchObject({
      code: 'SETUP',
      message: expect.stringMatching(message) as string,
    });
    expect(readdirSync(folder)).toEqual([]);
    expect(readdirSync(root)).not.toContain('out');
  });

  it.each<[string, RequestListener, RegExp]>([
    ['the server has none', (_, response) => response.writeHead(404).end(), /: the server answers 404$/],
    [
      'the connection breaks off',
      (_, response) => {
        response.writeHead(200, { 'content-length': '1000000' });
        response.write(zipFile(whole), () => response.destroy());
      },
      /terminated/,
    ],
  ])('%s', async (_, answer, message) => {
    const folder = mkdtempSync(join(root, 'builds-'));
    const fetching = fetchArchive(folder, { address: await served(answer) });
    await expect(fetching).rejects.toMatchObject({
      code: 'SETUP',
      message: expect.stringMatching(message) as string,
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('its fetching is stopped', async () => {
    const folder = mkdtempSync(join(root, 'builds-'));
    const stop = new AbortController();
    const address = await served((_, response) => void response.write('PK', () => stop.abort()));
    const fetching = fetchArchive(folder, { address, signal: stop.signal });
    await expect(fetching).rejects.toMatchObject({ code: 'ABORTED' });
    expect(readdirSync(folder)).toEqual([]);
  });
});
