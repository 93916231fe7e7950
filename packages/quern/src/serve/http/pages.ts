import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Where the build puts the pages. */
const built = fileURLToPath(new URL('../../../dist/web/', import.meta.url));

/** Nothing but the pages' own files and the service itself; no text ever becomes a part of a page's structure. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.md': 'text/markdown; charset=utf-8',
};

/** Files below this many bytes are sent as they are. */
const leastCompressed = 512;

/** A file of the pages. */
interface PageFile {
  readonly type: string;
  readonly tag: string;
  /** By the encoding, as requests name it. */
  readonly bodies: ReadonlyMap<string, Buffer>;
  /** Whether its name says what is in it, so that it never changes. */
  readonly isLasting: boolean;
}

/** Which pages are served. */
export interface PagesOptions {
  /** Where the build put them. */
  readonly folder?: string;
  /** The only page that there is to look at, as its address names it. Default: all. */
  readonly only?: string;
}

/**
 * Serves the pages at `/`: each file of the build by a route of its own, so that no request names a path. Without a build there are
 * none, and `/` is answered as any route that does not exist. Returns how many files there are.
 */
export async function addPages(
  server: FastifyInstance,
  { folder = built, only }: PagesOptions = {},
): Promise<number> {
  // They are in memory, and a page that lacks a file is of no use: no rate is counted for them.
  const config = { facts: { scope: 'open', always: true, takesStream: false } } as const;
  const names = await filesIn(folder);
  for (const name of names) {
    const plain = await readFile(join(folder, name));
    const isIndex = name === 'index.html';
    const file = await pageFile(isIndex && only !== undefined ? showingOnly(plain, only) : plain, name);
    const url = isIndex ? '/' : `/${name}`;
    server.get(url, { config, schema: { hide: true } }, (request, reply) => answered(file, request, reply));
  }
  return names.length;
}

/** The first file of the pages, which says that there is but one to look at. */
function showingOnly(index: Buffer, page: string): Buffer {
  return Buffer.from(
    index.toString('utf8').replace('</title>', `</title>\n    <meta name="quern-only" content="${page}" />`),
  );
}

/** The names of all files of a build, with slashes; none where there is no build. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && extname(entry.name) in types)
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length).replaceAll('\\', '/'))
    .map((name) => name.replace(/^\//, ''))
    .toSorted();
}

async function pageFile(plain: Buffer, name: string): Promise<PageFile> {
  const bodies = new Map([['identity', plain]]);
  if (plain.length >= leastCompressed) {
    // All of them are there before the first is asked for: a second, at most, of the start.
    bodies.set('br', await promisify(brotliCompress)(plain, { params: brotliSettings(plain.length) }));
    bodies.set('gzip', await promisify(gzip)(plain, { level: 9 }));
  }
  return {
    type: types[extname(name)]!,
    tag: createHash('sha256').update(plain).digest('base64url').slice(0, 22),
    bodies,
    isLasting: name.startsWith('assets/'),
  };
}

function brotliSettings(length: number): Record<number, number> {
  return { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: length };
}

async function answered(
  { type, tag, bodies, isLasting }: PageFile,
  { headers }: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const encoding = encodingFor(headers['accept-encoding'], bodies);
  const etag = `"${tag}${encoding === 'identity' ? '' : `-${encoding}`}"`;
  void reply.headers({
    'content-security-policy': policy,
    'cache-control': isLasting ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'accept-encoding',
    etag,
  });
  const known = (headers['if-none-match'] ?? '').split(',').map((each) => each.trim().replace(/^W\//, ''));
  if (known.some((each) => each === etag)) return reply.status(304).send();
  if (encoding !== 'identity') void reply.header('content-encoding', encoding);
  return reply.type(type).send(bodies.get(encoding));
}

/** The encoding that makes a body smallest, of those that a client takes. */
function encodingFor(accepted: string | undefined, bodies: PageFile['bodies']): string {
  const taken = new Set(
    (accepted ?? '')
      .split(',')
      .filter((each) => !/;\s*q=0(?:\.0*)?\s*$/.test(each))
      .map((each) => each.split(';')[0]!.trim().toLowerCase()),
  );
  return ['br', 'gzip'].find((each) => taken.has(each) && bodies.has(each)) ?? 'identity';
}
