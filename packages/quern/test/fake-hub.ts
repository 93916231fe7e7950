/**
 * A hub of our own, over HTTP: the listing API, the files of git from the hub itself, those of LFS by a redirect to a
 * second server with signed addresses, entity tags and ranges, as the Hugging Face hub has them. It can misbehave in
 * the ways of {@link Fault}, and counts what it was asked for and what it sent.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll } from 'vitest';

/** A file of a repository. */
export interface FakeFile {
  readonly name: string;
  readonly content: Buffer;
  /** Whether it is kept outside of git. */
  readonly lfs: boolean;
}

/** A request, as it came in. */
export interface SeenRequest {
  readonly server: 'hub' | 'cdn';
  readonly method: string;
  readonly path: string;
  readonly range?: string;
  readonly authorization?: string;
}

/** What a reply is about to be. A fault changes it, or makes a reply of its own and returns true. */
export interface Reply {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  status: number;
  headers: Record<string, string | number>;
  body: Buffer;
  /** Breaks the connection off after so many bytes of the body. */
  breakAfter?: number;
  /** Sends no more after so many bytes of the body, and leaves the connection open. */
  stallAfter?: number;
}

export type Fault = (reply: Reply) => boolean | void;

/** Which requests a fault is for. */
export type Asked = 'listing' | 'file' | 'cdn';

export const breakAfter =
  (bytes: number): Fault =>
  (reply) =>
    void (reply.breakAfter = bytes);
export const stallAfter =
  (bytes: number): Fault =>
  (reply) =>
    void (reply.stallAfter = bytes);
/** Another status, with nothing in it. */
export const answers =
  (status: number, headers: Record<string, string> = {}): Fault =>
  (reply) =>
    void Object.assign(reply, { status, headers, body: Buffer.alloc(0) });
/** The whole file, as a server that knows no ranges. */
export const ignoresRanges: Fault = ({ request }) => void delete request.headers.range;
/** Another content, whatever is asked for. */
export const sends =
  (body: Buffer | string): Fault =>
  (reply) => {
    delete reply.request.headers.range;
    reply.body = Buffer.from(body);
  };
/** The same content, with a byte of it changed. */
export const flipsAByte: Fault = (reply) => {
  reply.body = Buffer.from(reply.body);
  if (reply.body.length > 0) reply.body[reply.body.length >> 1] ^= 1;
};

export class FakeHub {
  readonly repository: string;
  commit: string;
  files: FakeFile[];
  readonly requests: SeenRequest[] = [];
  /** Bytes of files sent, by both servers. */
  bytesServed = 0;
  /** Pauses after each 64 KiB of a file, in milliseconds; 0 for none. */
  slowness = 0;
  readonly #hub: Server;
  readonly #cdn: Server;
  readonly #faults: { asked: Asked; fault: Fault; times: number }[] = [];

  private constructor(repository: string, files: FakeFile[]) {
    this.repository = repository;
    this.files = files;
    this.commit = createHash('sha1').update(JSON.stringify(files)).digest('hex');
    this.#hub = createServer((request, response) => void this.#answerHub(request, response));
    this.#cdn = createServer((request, response) => void this.#answerCdn(request, response));
  }

  /** A running hub with one repository, `files` by name: texts in git, buffers outside of it. Stopped after the tests. */
  static async start(files: Record<string, string | Buffer>, repository = 'owner/model'): Promise<FakeHub> {
    const hub = new FakeHub(
      repository,
      Object.entries(files).map(([name, content]) => ({
        name,
        content: Buffer.from(content),
        lfs: typeof content !== 'string',
      })),
    );
    for (const server of [hub.#hub, hub.#cdn]) await once(server.listen(0, '127.0.0.1'), 'listening');
    afterAll(() => hub.stop());
    return hub;
  }

  get endpoint(): string {
    return addressOf(this.#hub);
  }

  get cdn(): string {
    return addressOf(this.#cdn);
  }

  /** The size of all files with these names. */
  size(...names: string[]): number {
    return names.reduce((sum, name) => sum + this.file(name).content.length, 0);
  }

  file(name: string): FakeFile {
    return this.files.find((file) => file.name === name)!;
  }

  /** Applies `fault` to the next requests of that kind, as many as `times`; faults are taken in the order given. */
  next(asked: Asked, fault: Fault, times = 1): void {
    this.#faults.push({ asked, fault, times });
  }

  /** Forgets what was asked for, what was sent, and the faults to come. */
  reset(): void {
    this.requests.length = 0;
    this.bytesServed = 0;
    this.slowness = 0;
    this.#faults.length = 0;
  }

  /** The paths of the requests that were for files, without those that were redirected. */
  get filesAsked(): string[] {
    return this.requests.filter(({ path }) => path.includes('/resolve/')).map(({ path }) => path);
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      if (server.listening) await new Promise((done) => server.close(done));
    }
  }

  async #answerHub(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#note('hub', request);
    // A mirror has a path of its own.
    const path = decodeURIComponent(new URL(request.url!, this.endpoint).pathname)
      .replace(/^\/mirror/, '')
      .replace(/^\/datasets\//, '/');
    const [, resolved] = /^\/[^/]+\/[^/]+\/resolve\/[0-9a-z]+\/(.*)$/.exec(path) ?? [];
    const file = this.files.find(({ name }) => name === resolved);
    const api = path.startsWith('/api/datasets/')
      ? `/api/datasets/${this.repository}`
      : `/api/models/${this.repository}`;
    if (path.startsWith(`${api}/revision/`)) {
      return this.#send('listing', request, response, json(this.listing()));
    }
    // huggingface_hub asks for this one.
    if (path.startsWith(`${api}/tree/`)) {
      return this.#send('listing', request, response, json(this.files.map(treeEntry)));
    }
    if (!file) {
      const word = path.startsWith(`/${this.repository}/`) ? 'EntryNotFound' : 'RepoNotFound';
      return this.#send('file', request, response, {
        status: 404,
        headers: { 'x-error-code': word },
        body: Buffer.alloc(0),
      });
    }
    const facts = { 'x-repo-commit': this.commit, 'accept-ranges': 'bytes' };
    if (!file.lfs) {
      return this.#send('file', request, response, {
        status: 200,
        headers: { ...facts, etag: `"${gitBlobId(file.content)}"` },
        body: file.content,
      });
    }
    return this.#send('file', request, response, {
      status: 302,
      headers: {
        ...facts,
        location: `${this.cdn}/content/${sha256(file.content)}?signature=secret`,
        'x-linked-etag': `"${sha256(file.content)}"`,
        'x-linked-size': file.content.length,
      },
      body: Buffer.alloc(0),
    });
  }

  async #answerCdn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#note('cdn', request);
    const [, digest] = /^\/content\/([0-9a-f]+)\?signature=secret$/.exec(request.url!) ?? [];
    const file = this.files.find(({ content }) => sha256(content) === digest);
    return this.#send(
      'cdn',
      request,
      response,
      file
        ? { status: 200, headers: { etag: `"${digest}"`, 'accept-ranges': 'bytes' }, body: file.content }
        : { status: 403, headers: {}, body: Buffer.alloc(0) },
    );
  }

  /** What the listing API answers. */
  listing(): unknown {
    return { id: this.repository, sha: this.commit, siblings: this.files.map(sibling) };
  }

  #note(server: 'hub' | 'cdn', { method = '', url = '', headers }: IncomingMessage): void {
    const { range, authorization } = headers;
    this.requests.push({ server, method, path: url, range, authorization });
  }

  async #send(
    asked: Asked,
    request: IncomingMessage,
    response: ServerResponse,
    planned: Pick<Reply, 'status' | 'headers' | 'body'>,
  ): Promise<void> {
    const reply: Reply = { request, response, ...planned };
    const next = this.#faults.find((fault) => fault.asked === asked && fault.times > 0);
    if (next) {
      next.times--;
      if (next.fault(reply)) return;
    }
    if (reply.status === 200) cutToRange(reply);
    const { status, headers, body } = reply;
    response.on('error', () => undefined);
    response.writeHead(status, { 'content-length': body.length, ...headers });
    if (request.method === 'HEAD') return void response.end();
    // Headers are to be there also where no byte follows them.
    response.flushHeaders();
    const end = reply.breakAfter ?? reply.stallAfter ?? body.length;
    for (let start = 0; start < Math.min(end, body.length); start += 1 << 16) {
      if (response.destroyed) return;
      const chunk = body.subarray(start, Math.min(start + (1 << 16), end));
      if (asked !== 'listing' && (status === 200 || status === 206)) this.bytesServed += chunk.length;
      await new Promise((done) => response.write(chunk, done));
      if (this.slowness > 0) await wait(this.slowness);
    }
    if (reply.stallAfter !== undefined) return;
    if (reply.breakAfter === undefined) return void response.end();
    // What is under way is to arrive first.
    await wait(20);
    response.destroy();
  }
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** The SHA-1 that git knows a content by. */
export function gitBlobId(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

/** Bytes that look random and are the same in every run. */
export function noise(length: number, seed = 'noise'): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i * 64 < length; i++) parts.push(createHash('sha512').update(`${seed} ${i}`).digest());
  return Buffer.concat(parts).subarray(0, length);
}

function cutToRange(reply: Reply): void {
  const match = /^bytes=(\d+)-(\d*)$/.exec(reply.request.headers.range ?? '');
  if (!match) return;
  const start = Number(match[1]);
  const total = reply.body.length;
  const end = match[2] === '' ? total : Math.min(total, Number(match[2]) + 1);
  if (start >= total) {
    Object.assign(reply, { status: 416, body: Buffer.alloc(0) });
    reply.headers = { ...reply.headers, 'content-range': `bytes */${total}` };
    return;
  }
  reply.status = 206;
  reply.headers = { ...reply.headers, 'content-range': `bytes ${start}-${end - 1}/${total}` };
  reply.body = reply.body.subarray(start, end);
}

function pointerOf(content: Buffer): Buffer {
  return Buffer.from(
    `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(content)}\nsize ${content.length}\n`,
  );
}

function sibling({ name, content, lfs }: FakeFile): unknown {
  if (!lfs) return { rfilename: name, size: content.length, blobId: gitBlobId(content) };
  const pointer = pointerOf(content);
  return {
    rfilename: name,
    size: content.length,
    blobId: gitBlobId(pointer),
    lfs: { sha256: sha256(content), size: content.length, pointerSize: pointer.length },
  };
}

function treeEntry({ name, content, lfs }: FakeFile): unknown {
  const pointer = pointerOf(content);
  return {
    type: 'file',
    path: name,
    size: content.length,
    oid: gitBlobId(lfs ? pointer : content),
    ...(lfs ? { lfs: { oid: sha256(content), size: content.length, pointerSize: pointer.length } } : {}),
  };
}

function json(value: unknown): Pick<Reply, 'status' | 'headers' | 'body'> {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(value)),
  };
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
