import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import * as fake from '../../../test/fake-hub.ts';
import { FakeHub, noise } from '../../../test/fake-hub.ts';
import { TestCache } from '../../../test/hub-cache.ts';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { hubGet, type HubConnection } from './hub-request.ts';

const token = 'hf_secretOfTheTests';
const folder = temporaryFolder();

/** What the tests' server was asked for: path and token. */
const seen: { path: string; authorization?: string }[] = [];
const server = await started((request, response) => {
  const { pathname, searchParams } = new URL(request.url!, 'http://x');
  seen.push({ path: pathname, authorization: request.headers.authorization });
  const to = searchParams.get('to');
  if (pathname === '/loop') return redirect(response, '/loop');
  if (/^\/down\/\d+$/.test(pathname)) {
    const left = Number(pathname.slice(6));
    return left === 0 ? void response.end('there') : redirect(response, `/down/${left - 1}`);
  }
  if (pathname === '/to') return redirect(response, to, Number(searchParams.get('status') ?? 302));
  response.end('there');
});
const elsewhere = await started((request, response) => {
  seen.push({ path: `elsewhere${request.url}`, authorization: request.headers.authorization });
  if (request.url === '/back') redirect(response, `${addressOf(server)}/end`);
  else response.end('there');
});

function connection(endpoint: string, options: Partial<HubConnection> = {}): HubConnection {
  return { endpoint: new URL(endpoint), token, stall: 1000, ...options };
}

async function contentAt(path: string, of = connection(addressOf(server))): Promise<string> {
  seen.length = 0;
  const reply = await hubGet(of, new URL(path, addressOf(server)));
  let text = '';
  for await (const chunk of reply.chunks()) text += Buffer.from(chunk).toString();
  return text;
}

describe('a redirect', () => {
  it('is followed up to five times', async () => {
    expect(await contentAt('/down/5')).toBe('there');
    expect(seen).toHaveLength(6);
    await expect(contentAt('/down/6')).rejects.toMatchObject({ code: 'BAD_REPLY' });
    await expect(contentAt('/loop')).rejects.toMatchObject({
      code: 'BAD_REPLY',
      message: expect.stringContaining('redirects more than 5 times'),
    });
    expect(seen).toHaveLength(6);
  });

  it.each([301, 302, 303, 307, 308])('by %i carries the token to the hub alone', async (status) => {
    const to = encodeURIComponent(`${addressOf(elsewhere)}/back`);
    expect(await contentAt(`/to?status=${status}&to=${to}`)).toBe('there');
    expect(seen).toEqual([
      { path: '/to', authorization: `Bearer ${token}` },
      { path: 'elsewhere/back', authorization: undefined },
      { path: '/end', authorization: `Bearer ${token}` },
    ]);
  });

  it('from https to http is refused', async () => {
    const secure = connection('https://hub.example');
    await expect(contentAt(`/to?to=${addressOf(elsewhere)}/x`, secure)).rejects.toMatchObject({
      code: 'BAD_REPLY',
      message: expect.stringContaining('from https to http'),
    });
    // The tests' server is not that hub.
    expect(seen).toEqual([{ path: '/to', authorization: undefined }]);
  });

  it.each([
    ['file:///etc/passwd', 'redirects to file:'],
    ['data:text/plain,x', 'redirects to data:'],
    ['http://user:password@127.0.0.1/', 'with a password'],
    ['http://', 'no address'],
  ])('to %s is refused', async (to, what) => {
    await expect(contentAt(`/to?to=${encodeURIComponent(to)}`)).rejects.toMatchObject({
      code: 'BAD_REPLY',
      message: expect.stringContaining(what),
    });
    expect(seen).toHaveLength(1);
  });

  it('without an address is refused', async () => {
    await expect(contentAt('/to')).rejects.toMatchObject({ code: 'BAD_REPLY' });
  });
});

describe('the token', () => {
  it('is shown to the hub, and never to the host of the contents', async () => {
    const hub = await FakeHub.start({ 'config.json': '{}', 'model.safetensors': noise(1000) });
    await new TestCache(folder, hub).resolve({ env: { HF_TOKEN: token } });
    expect(hub.requests.map(({ server: by, authorization }) => `${by} ${authorization}`)).toEqual([
      `hub Bearer ${token}`,
      `hub Bearer ${token}`,
      `hub Bearer ${token}`,
      'cdn undefined',
    ]);
  });

  it('and signed addresses are in no error, nor in what caused it', async () => {
    const hub = await FakeHub.start({ 'config.json': '{}', 'model.safetensors': noise(1000) });
    const faults: [fake.Asked, fake.Fault][] = [
      ...[401, 403, 404, 418, 429, 500].flatMap((status): [fake.Asked, fake.Fault][] => [
        ['listing', fake.answers(status)],
        ['file', fake.answers(status)],
        ['cdn', fake.answers(status)],
      ]),
      ['listing', fake.breakAfter(3)],
      ['listing', fake.stallAfter(3)],
      ['listing', fake.sends(`{"${token}": `)],
      ['cdn', fake.breakAfter(0)],
      ['cdn', fake.stallAfter(0)],
      ['cdn', fake.flipsAByte],
      ['cdn', fake.answers(302, { location: '/content/x?signature=secret' })],
      ['cdn', fake.answers(302, { location: 'ftp://x?signature=secret' })],
      ['cdn', fake.answers(302, { location: 'http://secret:secret@x' })],
    ];
    for (const [asked, fault] of faults) {
      hub.reset();
      hub.next(asked, fault, 100);
      const error: unknown = await new TestCache(folder, hub)
        .resolve({ env: { HF_TOKEN: token }, timing: { pause: 0, stall: 20 } })
        .catch((thrown: unknown) => thrown);
      const words: string[] = [];
      for (let cause = error; cause instanceof Error; cause = cause.cause) {
        words.push(cause.name, String(cause.stack), JSON.stringify(cause));
      }
      expect(words[0]).toBe('QuernError');
      expect(words.join('\n')).not.toMatch(/secret/i);
    }
  });
});

describe('a connection', () => {
  it('that breaks off, or is none of HTTP, is a failure that may pass', async () => {
    const odd = await started((request, { socket }) => {
      if (request.url === '/reset') socket!.resetAndDestroy();
      else socket!.end(request.url === '/garbage' ? 'garbage\r\n\r\n' : '');
    });
    for (const path of ['/reset', '/close', '/garbage']) {
      await expect(hubGet(connection(addressOf(odd)), new URL(path, addressOf(odd)))).rejects.toMatchObject({
        message: expect.stringMatching(/^127\.0\.0\.1:\d+ broke the connection off \([A-Z_]+\)$/),
        retryAfter: 0,
      });
    }
  });
});

async function started(
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<Server> {
  const made = createServer((request, response) => void answer(request, response));
  await once(made.listen(0, '127.0.0.1'), 'listening');
  afterAll(() => {
    made.closeAllConnections();
    made.close();
  });
  return made;
}

function addressOf(made: Server): string {
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

function redirect(response: ServerResponse, to: string | null, status = 302): void {
  response.writeHead(status, to === null ? {} : { location: to });
  response.end('moved');
}
