import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { newToken, tokenHash } from '../src/serve/configuration/tokens.ts';
import { rawAnswer, requestText } from './raw-http.ts';
import { quernJson } from './run-quern.ts';
import { search, searched, tokens } from './searching-client.ts';
import { posted, servicesIn } from './service-of.ts';
import { temporaryFolder } from './temporary-folder.ts';

const served = servicesIn(temporaryFolder());

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
  it('that quern serve token makes is taken where its hash is declared, and differs each time', async () => {
    const args = ['serve', 'token', '--name', 'ci', '--scope', 'read'];
    const made = await quernJson<{ token: string; hash: string; name: string; scope: string }>(args);
    const other = await quernJson<{ token: string }>(args);
    expect(made).toMatchObject({ name: 'ci', scope: 'read', hash: `sha256:${tokenHash(made.token)}` });
    const service = await served({ tokens: [{ name: made.name, scope: made.scope, hash: made.hash }] });
    expect(await searched(service, { authorization: `Bearer ${made.token}` })).toBe(200);
    expect(await searched(service, { authorization: `Bearer ${other.token}` })).toBe(401);
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
