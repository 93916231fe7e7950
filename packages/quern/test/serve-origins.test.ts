import { describe, expect, it } from 'vitest';
import { rawAnswer, requestText, statusOf } from './raw-http.ts';
import { search, searched, tokens } from './searching-client.ts';
import { posted, servicesIn } from './service-of.ts';
import { temporaryFolder } from './temporary-folder.ts';

const served = servicesIn(temporaryFolder());

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
