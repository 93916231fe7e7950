import { setTimeout as later } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { RawConnection, requestText, statusOf } from './raw-http.ts';
import { posted, servicesIn, type ServiceOfTest } from './service-of.ts';
import { temporaryFolder } from './temporary-folder.ts';

const served = servicesIn(temporaryFolder());

const short = { times: { head: 300, idle: 300, look: 20 } };
const search = JSON.stringify({ query: 'ash', index: 'trees' });
const json = { 'content-type': 'application/json' };

/** Sends a byte at a time; whether the connection ended over it. */
async function drip(connection: RawConnection, text: string, pause: number): Promise<boolean> {
  const ended = connection.ended.then(() => true);
  for (const byte of text) {
    connection.write(byte);
    if (await Promise.race([ended, later(pause, false)])) return true;
  }
  return false;
}

/** That others are served. */
async function expectUnharmed({ url }: ServiceOfTest): Promise<void> {
  expect((await posted(`${url}/v1/search`, search)).status).toBe(200);
}

describe('a slow client', () => {
  it('is answered 408 where the head of its request comes a byte at a time, and its connection ends', async () => {
    const service = await served({}, short);
    const slow = await RawConnection.to(service.port);
    expect(await drip(slow, requestText('GET /healthz', { x: 'y'.repeat(1000) }), 20)).toBe(true);
    expect(statusOf(slow.received)).toBe(408);
    await expectUnharmed(service);
    // It leaves its own end open, which the server does not wait for.
    const isBroken = (): boolean => {
      if (!slow.socket.destroyed) slow.write('x');
      return slow.socket.destroyed;
    };
    await expect.poll(isBroken).toBe(true);
  });
  it('is answered 408 where the body comes a byte at a time', async () => {
    const service = await served({ limits: { bodyTime: '300ms' } });
    const slow = await RawConnection.to(service.port);
    const body = search.padEnd(5000);
    slow.write(requestText('POST /v1/search', { ...json, 'content-length': String(body.length) }));
    expect(await drip(slow, body, 20)).toBe(true);
    expect(statusOf(slow.received)).toBe(408);
    expect(slow.received).toMatch(/connection: close/i);
    expect(slow.received).toContain('"code":"TIMEOUT"');
    await expectUnharmed(service);
  });
  it('holds no connection by the rest of a body that was refused', async () => {
    const service = await served({ limits: { bodyTime: '300ms' }, tokens: [readToken] });
    const slow = await RawConnection.to(service.port);
    const head = requestText('POST /v1/search', {
      ...json,
      'content-length': '5000',
      connection: 'keep-alive',
    });
    slow.write(head);
    expect(await drip(slow, 'x'.repeat(5000), 20)).toBe(true);
    expect(statusOf(slow.received)).toBe(401);
    expect(slow.received.match(/^HTTP/gm)).toHaveLength(1);
  });
  it('is left alone where it reads slowly what it was refused with, and sends the rest in time', async () => {
    const service = await served({ limits: { bodyTime: '10s' }, tokens: [readToken] });
    const client = await RawConnection.to(service.port);
    const head = { ...json, 'content-length': '1000', connection: 'keep-alive' };
    client.write(requestText('POST /v1/search', head));
    await client.until(/401/);
    client.write('x'.repeat(1000) + requestText('GET /healthz'));
    await client.ended;
    expect(client.received).toContain('{"status":"ok"}');
  });
});

const readToken = { name: 'reader', scope: 'read', hash: `sha256:${'0'.repeat(64)}` };

describe('a thousand idle connections', () => {
  it('leave others unharmed, and end', async () => {
    const service = await served({}, short);
    const idle = await Promise.all(Array.from({ length: 1000 }, () => RawConnection.to(service.port)));
    await expectUnharmed(service);
    await Promise.all(idle.map(({ ended }) => ended));
    await expectUnharmed(service);
    for (const { socket } of idle) socket.destroy();
  });
  it('that were answered before end too', async () => {
    const service = await served({}, short);
    const idle = await Promise.all(Array.from({ length: 200 }, () => RawConnection.to(service.port)));
    for (const each of idle) each.write(requestText('GET /healthz', { connection: 'keep-alive' }));
    await Promise.all(idle.map((each) => each.until(/"ok"/)));
    await Promise.all(idle.map(({ ended }) => ended));
    for (const each of idle) {
      expect(statusOf(each.received)).toBe(200);
      each.socket.destroy();
    }
    await expectUnharmed(service);
  });
  it('beyond the limit are turned away, and leave room when they end', async () => {
    const service = await served({ limits: { connections: 20 } }, short);
    const idle = await Promise.all(Array.from({ length: 40 }, () => RawConnection.to(service.port)));
    await Promise.all(idle.map(({ ended }) => ended));
    await expectUnharmed(service);
    for (const { socket } of idle) socket.destroy();
  });
});
