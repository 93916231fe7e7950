import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { fastify, type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { addPages } from './pages.ts';

const folder = temporaryFolder();
const script = `console.log('${'quern '.repeat(500)}');`;
let server: FastifyInstance;

beforeAll(async () => {
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Quern</title>');
  writeFileSync(join(folder, 'assets', 'index-a1b2.js'), script);
  writeFileSync(join(folder, 'assets', 'secret.key'), 'secret');
  server = fastify();
  await addPages(server, { folder });
});
afterAll(() => server.close());

describe('the files of the pages', () => {
  it.each([
    [undefined, undefined, (body: Buffer) => body],
    ['gzip', 'gzip', gunzipSync],
    ['gzip, deflate, br;q=1.0', 'br', brotliDecompressSync],
    ['br;q=0, gzip', 'gzip', gunzipSync],
    ['zstd', undefined, (body: Buffer) => body],
  ])('are sent to who takes %j in %j', async (accepted, encoding, decoded) => {
    const { headers, rawPayload } = await server.inject({
      url: '/assets/index-a1b2.js',
      headers: accepted === undefined ? {} : { 'accept-encoding': accepted },
    });
    expect(headers['content-encoding']).toBe(encoding);
    expect(headers['vary']).toBe('accept-encoding');
    expect(decoded(rawPayload).toString()).toBe(script);
    expect(rawPayload.length < script.length / 4).toBe(encoding !== undefined);
  });

  it('are kept for ever where their names say what they hold, else asked for again', async () => {
    const page = await server.inject('/');
    expect(page.headers).toMatchObject({
      'cache-control': 'no-cache',
      'content-type': 'text/html; charset=utf-8',
    });
    const asset = await server.inject('/assets/index-a1b2.js');
    expect(asset.headers['cache-control']).toContain('immutable');
    const again = await server.inject({
      url: '/',
      headers: { 'if-none-match': `"other", W/${String(page.headers.etag)}` },
    });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });

  it('let no text become structure, and are framed by nobody', async () => {
    const policy = String((await server.inject('/')).headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("require-trusted-types-for 'script'; trusted-types 'none'");
    expect(policy).not.toContain('unsafe');
  });

  it.each([
    '/assets/secret.key',
    '/assets/',
    '/assets/../index.html/',
    '/assets/..%2findex.html',
    '/index.html',
  ])('are those of the build alone: not %s', async (url) =>
    expect((await server.inject(url)).statusCode).toBe(404),
  );
});

it('without a build there are no pages', async () => {
  const bare = fastify();
  await addPages(bare, { folder: join(folder, 'nothing') });
  expect((await bare.inject('/')).statusCode).toBe(404);
  await bare.close();
});
