import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { newToken, tokenHash } from '../src/serve/configuration/tokens.ts';
import { rawAnswer, requestText, statusOf } from './raw-http.ts';
import { posted, servicesIn, type ServiceOfTest } from './service-of.ts';
import { temporaryFolder } from './temporary-folder.ts';

const served = servicesIn(temporaryFolder());

const search = { query: 'ash', index: 'trees' };
const text = JSON.stringify(search);

/** The status of a search with these headers. */
async function searched({ port }: ServiceOfTest, headers: Readonly<Record<string, string>>): Promise<number> {
  const head = { 'content-type': 'application/json', 'content-length': String(text.length), ...headers };
  return statusOf(await rawAnswer(port, requestText('POST /v1/search', head, text)));
}

/** A token of each scope, and what declares them. */
function tokens(): { readonly of: Record<string, string>; readonly declared: object[] } {
  const of = Object.fromEntries(['read', 'write', 'admin'].map((scope) => [scope, newToken()]));
  const declared = Object.entries(of).map(([scope, token]) => ({
    name: `the-${scope}`,
    scope,
    hash: `sha256:${tokenHash(token)}`,
  }));
  return { of, declared };
}

describe('the host that a request names', () => {
  it.each([
    ['localhost', 200],
    ['LOCALHOST', 200],
    ['localhost.', 200],
    ['localhost:8080', 200],
    ['localhost:', 421],
    ['127.0.0.1', 200],
    ['127.0.0.1:1', 200],
    ['127.1.2.3', 200],
    ['0x7f.1', 200],
    ['[::1]', 200],
    ['[::1]:8080', 200],
    ['[0:0:0:0:0:0:0:1]', 200],
    ['::1', 421],
    ['', 421],
    ['localhost:8080:9', 421],
    ['localhost@evil.example', 421],
    ['localhost, evil.example', 421],
    ['evil.example', 421],
    ['localhost.evil.example', 421],
    ['127.0.0.1.evil.example', 421],
    ['169.254.169.254', 421],
    ['0.0.0.0', 421],
    ['[::]', 421],
    ['[::ffff:8.8.8.8]', 421],
    ['localhost/x', 421],
    ['localhost%00', 421],
    ['xn--lcalhost-i1a', 421],
  ])('%j is answered %i where it listens on this machine alone', async (host, status) => {
    expect(await searched(await served(), { host })).toBe(status);
  });
  it('is refused where there is none, or two', async () => {
    const { port } = await served();
    expect(statusOf(await rawAnswer(port, 'GET /healthz HTTP/1.0\r\n\r\n'))).toBe(421);
    expect(statusOf(await rawAnswer(port, 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n'))).toBe(400);
    const two = 'GET /healthz HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\nconnection: close\r\n\r\n';
    expect(statusOf(await rawAnswer(port, two))).toBe(421);
  });
  it('may be one that the configuration lists, whatever its case and port', async () => {
    const service = await served({ listen: { hosts: ['Search.Example.org', '10.0.0.7'] } });
    for (const host of ['search.example.org', 'SEARCH.example.ORG:8443', 'search.example.org.', '10.0.0.7']) {
      expect([host, await searched(service, { host })]).toEqual([host, 200]);
    }
    for (const host of ['example.org', 'a.search.example.org', '10.0.0.8']) {
      expect([host, await searched(service, { host })]).toEqual([host, 421]);
    }
  });
  it('may be any address where others reach it, and no name but those that are listed', async () => {
    const { of, declared } = tokens();
    const service = await served({ tokens: declared, listen: { host: '0.0.0.0', hosts: ['search.test'] } });
    const authorization = `Bearer ${of['read']!}`;
    for (const host of ['10.1.2.3:8080', '[fe80::1]', 'localhost', 'search.test']) {
      expect([host, await searched(service, { host, authorization })]).toEqual([host, 200]);
    }
    expect(await searched(service, { host: 'evil.example', authorization })).toBe(421);
  });
  it('is checked for pages, probes and what is not there, too', async () => {
    const { port } = await served();
    for (const path of ['/healthz', '/docs/', '/openapi.json', '/nothing']) {
      expect(statusOf(await rawAnswer(port, requestText(`GET ${path}`, { host: 'evil.example' })))).toBe(421);
    }
  });
});

describe('the origin of a page', () => {
  const listed = { listen: { origins: ['https://search.example.org', 'http://localhost:3000'] } };
  it.each([
    ['http://localhost:8080', 200],
    ['https://localhost:8080', 200],
    ['http://localhost', 403],
    ['http://localhost:8081', 403],
    ['http://127.0.0.1:8080', 403],
    ['http://localhost:3000', 200],
    ['https://search.example.org', 200],
    ['http://search.example.org', 403],
    ['https://search.example.org:8443', 403],
    ['https://search.example.org.evil.example', 403],
    ['https://SEARCH.example.org', 403],
    ['null', 403],
    ['', 403],
    ['file://', 403],
    ['https://evil.example', 403],
    ['chrome-extension://abc', 403],
  ])('%j is answered %i by localhost:8080', async (origin, status) => {
    expect(await searched(await served(listed), { host: 'localhost:8080', origin })).toBe(status);
  });
  it.each([
    ['same-origin', 200],
    ['none', 200],
    ['same-site', 403],
    ['cross-site', 403],
  ])('that is told by Sec-Fetch-Site alone as %s is answered %i', async (site, status) => {
    expect(await searched(await served(), { 'sec-fetch-site': site })).toBe(status);
  });
  it('does not count for the pages of the service, to which links stand elsewhere', async () => {
    const { port } = await served();
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    for (const path of ['/docs/', '/docs/static/swagger-ui.css', '/healthz', '/openapi.json']) {
      expect([path, statusOf(await rawAnswer(port, requestText(`GET ${path}`, link)))]).toEqual([path, 200]);
    }
    for (const path of ['/metrics', '/v1/config']) {
      expect([path, statusOf(await rawAnswer(port, requestText(`GET ${path}`, link)))]).toEqual([path, 403]);
    }
  });
  it('that is listed is told by CORS that it may ask, with a token, and read what is answered', async () => {
    const { of, declared } = tokens();
    const { url } = await served({ tokens: declared, ...listed });
    const origin = 'https://search.example.org';
    const preflight = await fetch(`${url}/v1/search`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
    expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization,content-type');
    expect(preflight.headers.get('access-control-allow-methods')).toContain('DELETE');
    expect(preflight.headers.get('access-control-allow-credentials')).toBe(null);
    const authorization = `Bearer ${of['read']!}`;
    const found = await posted(`${url}/v1/search`, search, { origin, authorization });
    expect([found.status, found.headers.get('access-control-allow-origin')]).toEqual([200, origin]);
    const refused = await posted(`${url}/v1/search`, search, { origin });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, origin]);
    expect(refused.headers.get('vary')).toMatch(/origin/i);
  });
  it('that is not listed is told nothing by CORS, whether others are listed or none', async () => {
    for (const config of [listed, {}]) {
      const { url } = await served(config);
      for (const origin of ['https://evil.example', 'null']) {
        const preflight = await fetch(`${url}/v1/search`, {
          method: 'OPTIONS',
          headers: { origin, 'access-control-request-method': 'POST' },
        });
        expect(preflight.headers.get('access-control-allow-origin')).toBe(null);
        expect((await posted(`${url}/v1/search`, search, { origin })).status).toBe(403);
      }
    }
  });
});

describe('a token', () => {
  it.each([
    ['', 401],
    ['Bearer', 401],
    ['Bearer ', 401],
    ['Bearer WRONG', 401],
    ['Bearer TOKEN', 200],
    ['bearer   TOKEN', 200],
    ['Bearer TOKEN,TOKEN', 401],
    ['Bearer TOKEN more', 401],
    ['TOKEN', 401],
    ['Token TOKEN', 401],
    ['Basic BASIC', 401],
  ])('is taken from a header %j as %i', async (header, status) => {
    const { of, declared } = tokens();
    const service = await served({ tokens: declared });
    const token = of['read']!;
    const basic = Buffer.from(`quern:${token}`).toString('base64');
    const wrong = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A');
    const authorization = header.replaceAll('TOKEN', token).replace('BASIC', basic).replace('WRONG', wrong);
    expect(await searched(service, authorization === '' ? {} : { authorization })).toBe(status);
  });
  it('is asked for with words that say how, and neither shown nor logged', async () => {
    const { of, declared } = tokens();
    const { url, logged } = await served({ tokens: declared, log: { level: 'trace' } });
    const { status, headers, body } = await posted(`${url}/v1/search`, search);
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="quern"']);
    expect(body.error).toMatchObject({ code: 'DENIED', type: 'authentication_error' });
    expect(body.error!.hint).toContain('Authorization: Bearer');
    const wrong = newToken();
    const refused = await posted(`${url}/v1/search?token=${of['read']!}`, search, {
      authorization: `Bearer ${wrong}`,
    });
    expect(refused.status).toBe(401);
    await posted(`${url}/v1/search`, search, { authorization: `Bearer ${of['read']!}` });
    const all = JSON.stringify([logged, refused.body]);
    expect(all).toContain('the-read');
    for (const secret of [wrong, ...Object.values(of), ...declared.map((each) => JSON.stringify(each))]) {
      expect(all).not.toContain(secret);
    }
  });
  it('in the address of a request counts for nothing', async () => {
    const { of, declared } = tokens();
    const { url } = await served({ tokens: declared });
    for (const query of [`token=${of['admin']!}`, `access_token=${of['admin']!}`, `key=${of['admin']!}`]) {
      expect((await posted(`${url}/v1/search?${query}`, search)).status).toBe(401);
    }
  });
  it('allows what its scope says and what stands before it', async () => {
    const { of, declared } = tokens();
    const { url } = await served({ tokens: declared });
    for (const scope of ['read', 'write', 'admin']) {
      const headers = { authorization: `Bearer ${of[scope]!}` };
      expect((await posted(`${url}/v1/search`, search, headers)).status).toBe(200);
      expect((await fetch(`${url}/metrics`, { headers })).status).toBe(200);
    }
    for (const path of ['/healthz', '/readyz', '/openapi.json', '/docs/']) {
      expect((await fetch(url + path)).status).toBe(200);
    }
    for (const path of ['/metrics', '/v1/config', '/v1/models']) {
      expect((await fetch(url + path)).status).toBe(401);
    }
  });
  it('is asked for before a body is read or a place is taken', async () => {
    const { declared } = tokens();
    const { port } = await served({ tokens: declared });
    const head = { 'content-type': 'application/json', 'content-length': '1000', expect: '100-continue' };
    const answer = await rawAnswer(port, requestText('POST /v1/search', head));
    expect(answer).toMatch(/HTTP\/1\.1 401/);
  });
});

describe('more requests a minute than are taken', () => {
  it('are refused by token, with the seconds to wait, while other tokens go on', async () => {
    const { of, declared } = tokens();
    const { url } = await served({ tokens: declared, limits: { perMinute: 3 } });
    const ask = (scope: string): ReturnType<typeof posted> =>
      posted(`${url}/v1/search`, search, { authorization: `Bearer ${of[scope]!}` });
    for (let i = 0; i < 3; i++) expect((await ask('read')).status).toBe(200);
    const refused = await ask('read');
    expect([refused.status, refused.body.error?.code]).toEqual([429, 'OVERLOADED']);
    expect(refused.body.error!.message).toContain('3 requests a minute');
    const wait = Number(refused.headers.get('retry-after'));
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(60);
    expect((await ask('write')).status).toBe(200);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    // Who watches the service is never kept from it.
    const watching = { headers: { authorization: `Bearer ${of['read']!}` } };
    for (let i = 0; i < 5; i++) expect((await fetch(`${url}/metrics`, watching)).status).toBe(200);
  });
  it('with wrong tokens are refused by address', async () => {
    const { of, declared } = tokens();
    const { url } = await served({ tokens: declared, limits: { perMinute: 3 } });
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) {
      const headers = { authorization: `Bearer ${newToken()}` };
      statuses.push((await posted(`${url}/v1/search`, search, headers)).status);
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    const right = { authorization: `Bearer ${of['read']!}` };
    expect((await posted(`${url}/v1/search`, search, right)).status).toBe(200);
  });
  it('are refused by address where no token is asked for', async () => {
    const { url } = await served({ limits: { perMinute: 2 } });
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) {
      const headers = { 'x-forwarded-for': `10.0.0.${i}` };
      statuses.push((await posted(`${url}/v1/search`, search, headers)).status);
    }
    expect(statuses).toEqual([200, 200, 429]);
  });
  it('are refused by the address that the proxy tells, of which a client may have told another', async () => {
    const { url } = await served({ limits: { perMinute: 1 }, listen: { proxy: true } });
    const statusOfClient = async (forwarded: string): Promise<number> =>
      (await posted(`${url}/v1/search`, search, { 'x-forwarded-for': forwarded })).status;
    expect(await statusOfClient('10.0.0.1')).toBe(200);
    expect(await statusOfClient('10.0.0.2')).toBe(200);
    expect(await statusOfClient('192.0.2.1, 10.0.0.1')).toBe(429);
    expect(await statusOfClient('10.0.0.3, 10.0.0.2')).toBe(429);
  });
});

describe('what is answered', () => {
  it('lets pages run no script but those of the service, and be put into no other page', async () => {
    const { url } = await served();
    for (const path of ['/healthz', '/docs/', '/v1/config', '/nothing']) {
      const { headers } = await fetch(url + path);
      const policy = headers.get('content-security-policy')!;
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('server')).toBe(null);
      expect(headers.get('x-powered-by')).toBe(null);
    }
  });
  it('has no script in its pages', async () => {
    const { url } = await served();
    const page = await (await fetch(`${url}/docs/`)).text();
    expect(page).toContain('<script src=');
    expect(page).not.toMatch(/<script(?![^>]*src=)|\son\w+=|<style|\sstyle=/i);
  });
});

describe('a service that others would reach', () => {
  const elsewhere = Object.values(networkInterfaces())
    .flat()
    .find((each) => each && !each.internal && each.family === 'IPv4')?.address;

  it('is not begun without a token, but where anybody is to be let in', async () => {
    for (const host of ['0.0.0.0', '::', ...(elsewhere === undefined ? [] : [elsewhere])]) {
      await expect(served({ listen: { host } })).rejects.toThrow(/no token is asked for/);
    }
    const { url } = await served({ listen: { host: '0.0.0.0' } }, { isOpen: true });
    expect((await posted(`${url}/v1/search`, search)).status).toBe(200);
  });
  it('is begun with one', async () => {
    const { declared } = tokens();
    const { url } = await served({ listen: { host: '0.0.0.0' }, tokens: declared });
    expect((await posted(`${url}/v1/search`, search)).status).toBe(401);
  });
  it.skipIf(elsewhere === undefined)('is reached by nobody else where it is said nothing', async () => {
    const { port } = await served();
    await expect(fetch(`http://${elsewhere!}:${port}/healthz`)).rejects.toThrow(/fetch failed/);
  });
});
