import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import * as fake from '../../../test/fake-hub.ts';
import { FakeHub, noise, sha256 } from '../../../test/fake-hub.ts';
import { TestCache } from '../../../test/hub-cache.ts';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import type { OnWork } from '../../work.ts';
import { mostAttempts } from './hub-download.ts';

const folder = temporaryFolder();
const weights = noise(1_500_000);
const hub = await FakeHub.start({ 'config.json': '{}', 'model.safetensors': weights });
const size = weights.length;
/** What was read from a connection, but not yet handed on when it broke, is lost. */
const slack = 4 * 65_536;

beforeEach(() => hub.reset());

function newCache(partial?: Buffer): TestCache {
  const cache = new TestCache(folder, hub);
  if (partial) {
    mkdirSync(cache.repository('blobs'), { recursive: true });
    writeFileSync(cache.blob('model.safetensors', '.incomplete'), partial);
  }
  return cache;
}

/** Downloads, and checks that the weights are right. Returns the bytes of them that were sent. */
async function downloaded(cache: TestCache): Promise<number> {
  const model = await cache.resolve();
  expect(sha256(readFileSync(`${model.folder}/model.safetensors`))).toBe(sha256(weights));
  expect(existsSync(cache.blob('model.safetensors', '.incomplete'))).toBe(false);
  return hub.bytesServed - hub.size('config.json');
}

/** Where the requests for the weights asked to begin. */
function starts(): number[] {
  return hub.requests
    .filter(({ server }) => server === 'cdn')
    .map(({ range }) => Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')![1]));
}

describe('a download', () => {
  it('goes on from where the connection broke off, and fetches nothing twice', async () => {
    for (const bytes of [100, 200_000, 65_536, 700_000, 1]) hub.next('cdn', fake.breakAfter(bytes));
    const sent = await downloaded(newCache());
    expect(sent).toBeGreaterThanOrEqual(size);
    expect(sent).toBeLessThan(size + slack);
    expect(starts()).toHaveLength(6);
    expect(starts()).toEqual(starts().toSorted((a, b) => a - b));
  });

  it('counts attempts anew after each byte of progress, and gives up without any', async () => {
    hub.next('cdn', fake.breakAfter(10_000), 3 * mostAttempts);
    await downloaded(newCache());
    expect(starts()).toHaveLength(3 * mostAttempts + 1);

    hub.reset();
    hub.next('cdn', fake.breakAfter(size - 5));
    hub.next('cdn', fake.breakAfter(0), 100);
    const cache = newCache();
    await expect(cache.resolve()).rejects.toMatchObject({
      code: 'NETWORK',
      where: `owner/model@${hub.commit}/model.safetensors`,
      hint: expect.stringContaining('goes on from there'),
    });
    // The first was of use, and failed nevertheless.
    expect(starts()).toHaveLength(mostAttempts);
    const kept = statSync(cache.blob('model.safetensors', '.incomplete')).size;
    expect(kept).toBeGreaterThan(size - slack);
    hub.reset();
    await downloaded(cache);
    expect(hub.bytesServed).toBe(size - kept);
  });

  it('does not end where a server that ignores ranges breaks off time and again', async () => {
    hub.next('cdn', (reply) => (fake.ignoresRanges(reply), fake.breakAfter(500_000)(reply)), 100);
    await expect(newCache().resolve()).rejects.toMatchObject({ code: 'NETWORK' });
    expect(starts().length).toBeLessThan(3 * mostAttempts);
  });

  it('goes on from what an earlier run left', async () => {
    for (const left of [1, 65_536, 1_000_000, size - 1]) {
      hub.reset();
      expect(await downloaded(newCache(weights.subarray(0, left)))).toBe(size - left);
      expect(starts()).toEqual([left]);
    }
  });

  it('asks for nothing where all of it was left', async () => {
    expect(await downloaded(newCache(weights))).toBe(0);
  });

  it('starts over where a server ignores ranges', async () => {
    hub.next('cdn', fake.ignoresRanges);
    expect(await downloaded(newCache(weights.subarray(0, 1000)))).toBe(size);
    expect(starts()).toEqual([1000]);
  });

  it('starts over where a server has no such range, or sends another one', async () => {
    hub.next('cdn', fake.answers(416));
    expect(await downloaded(newCache(weights.subarray(0, 1000)))).toBe(size);
    expect(starts()).toEqual([1000, 0]);

    for (const range of ['bytes 0-9/1500000', `bytes 999-1499999/${size}`, 'nonsense']) {
      hub.reset();
      hub.next('cdn', (reply) => {
        delete reply.request.headers.range;
        Object.assign(reply, { status: 206, headers: { 'content-range': range } });
        fake.breakAfter(0)(reply);
      });
      await downloaded(newCache(weights.subarray(0, 1000)));
      expect(starts()).toEqual([1000, 0]);
    }
  });

  it('starts over where what was left is longer than the file, or is not of it', async () => {
    expect(await downloaded(newCache(Buffer.concat([weights, weights])))).toBe(size);
    hub.reset();
    expect(await downloaded(newCache(noise(1000, 'other')))).toBe(2 * size - 1000);
    expect(starts()).toEqual([1000, 0]);
  });

  it('fetches a wrong content once more', async () => {
    hub.next('cdn', fake.flipsAByte);
    expect(await downloaded(newCache())).toBe(2 * size);
    hub.reset();
    hub.next('file', fake.sends('[]'));
    await downloaded(newCache());
  });

  it.each([
    ['a wrong checksum', 'cdn', fake.flipsAByte, 'checksum'],
    ['a wrong checksum in git', 'file', fake.sends('[]'), 'checksum'],
    ['too short', 'cdn', fake.sends(weights.subarray(0, 10)), 'has 10 bytes'],
    ['too long', 'cdn', fake.sends(Buffer.concat([weights, weights])), 'has 3000000 bytes'],
    ['empty', 'cdn', fake.sends(''), 'has 0 bytes'],
    ['too long, and does not say so', 'cdn', unsized(Buffer.concat([weights, weights])), 'has more than'],
  ] as const)('of what is twice %s is refused, and nothing of it kept', async (_, asked, fault, what) => {
    hub.next(asked, fault, 100);
    const cache = newCache();
    await expect(cache.resolve()).rejects.toMatchObject({
      code: 'CORRUPT_FILE',
      message: expect.stringContaining(what),
    });
    expect(
      hub.filesAsked.filter((path) => path.endsWith(asked === 'file' ? 'config.json' : 'safetensors')),
    ).toHaveLength(2);
    expect(
      Object.keys(cache.tree()).filter((name) =>
        /blobs.*(incomplete|[0-9a-f]{64}$)|refs|snapshots.*safetensors/.test(name),
      ),
    ).toEqual([]);
    hub.reset();
    await downloaded(cache);
  });

  it('is not written to under its final name by another program that had the same partial file open', async () => {
    const cache = newCache();
    const locks = join(cache.path, '.locks', 'models--owner--model');
    mkdirSync(locks, { recursive: true });
    writeFileSync(join(locks, `${sha256(weights)}.lock`), '');
    hub.next('cdn', fake.breakAfter(500_000));
    let other: number | undefined;
    const onWork: OnWork = () => ({
      update: (done) => {
        if (done < 500_000) return;
        other ??= openSync(cache.blob('model.safetensors', '.incomplete'), 'a');
        writeSync(other, 'what is not of it');
      },
      stop: () => undefined,
    });
    await cache.resolve({ onWork });
    writeSync(other!, 'more');
    closeSync(other!);
    await downloaded(cache);
    expect(hub.bytesServed).toBeLessThan(2 + size + slack);
    expect(Object.keys(cache.tree()).filter((name) => /incomplete|copy/.test(name))).toEqual([]);
  });

  it('keeps what an earlier run left where another page is sent instead', async () => {
    hub.next('cdn', fake.sends('<html>Log in</html>'), 100);
    const cache = newCache(weights.subarray(0, 1_000_000));
    await expect(cache.resolve()).rejects.toMatchObject({ code: 'CORRUPT_FILE' });
    expect(statSync(cache.blob('model.safetensors', '.incomplete')).size).toBe(1_000_000);
    expect(starts()).toEqual([1_000_000, 1_000_000]);
  });

  it('goes on where a content ends early without being told to', async () => {
    hub.next('cdn', unsized(weights.subarray(0, 700_000)));
    expect(await downloaded(newCache())).toBe(size - 700_000);
    expect(starts()).toEqual([0, 700_000]);
  });

  it('takes a content that is compressed although it was asked for plain', async () => {
    hub.next('file', (reply) => {
      reply.body = gzipSync(reply.body);
      reply.headers['content-encoding'] = 'gzip';
    });
    const { folder: snapshot } = await newCache().resolve();
    expect(readFileSync(`${snapshot}/config.json`, 'utf8')).toBe('{}');
  });

  it('breaks a connection off that stalls, and goes on', async () => {
    const cache = newCache();
    hub.next('cdn', fake.stallAfter(300_000));
    hub.next('cdn', fake.stallAfter(0));
    await cache.resolve({ timing: { pause: 1, stall: 400 } });
    expect(starts()).toEqual([0, 300_000, 300_000]);
    await downloaded(cache);
  });

  it.each([408, 429, 500, 502, 503, 504])(
    'waits and asks again where a server answers %i',
    async (status) => {
      hub.next('file', fake.answers(status, { 'retry-after': '0' }), mostAttempts - 1);
      hub.next('cdn', fake.answers(status), mostAttempts - 1);
      expect(await downloaded(newCache())).toBe(size);
      expect(hub.filesAsked).toHaveLength(2 * mostAttempts);
    },
  );

  it('gives up on a server that stays broken, or asks to wait for hours', async () => {
    hub.next('cdn', fake.answers(500), 100);
    await expect(newCache().resolve()).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringMatching(/127\.0\.0\.1:\d+ answers 500/),
    });
    expect(starts()).toHaveLength(mostAttempts);
    hub.reset();
    hub.next('cdn', fake.answers(429, { 'retry-after': '7200' }));
    await expect(newCache().resolve()).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('asks to wait 7200 s'),
    });
    expect(starts()).toHaveLength(1);
  });
});

/** A content without its length, sent as it comes. */
function unsized(body: Buffer): fake.Fault {
  return ({ request, response }) => {
    if (request.headers.range !== undefined) return false;
    response.writeHead(200, { 'transfer-encoding': 'chunked' });
    response.end(body);
    return true;
  };
}
