import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fastify, type FastifyInstance } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UnderWay } from './under-way.ts';

/** A server whose `/held` is never answered, and the signals of the requests that came. */
async function listening(underWay: UnderWay): Promise<{ port: number; signals: AbortSignal[] }> {
  const server: FastifyInstance = fastify({ forceCloseConnections: true });
  const signals: AbortSignal[] = [];
  server.addHook('onRequest', async (_, reply) => void signals.push(underWay.begin(reply, false)));
  server.get('/held', () => new Promise(() => undefined));
  server.get('/at-once', async () => 'answered');
  await server.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => server.close());
  return { port: (server.server.address() as AddressInfo).port, signals };
}

const asked = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;

describe('requests under way', () => {
  it('are no longer counted once answered, and not aborted', async () => {
    const underWay = new UnderWay(8);
    const { port, signals } = await listening(underWay);
    const socket = connect(port, '127.0.0.1');
    socket.write(asked('/at-once'));
    await once(socket, 'data');
    await expect.poll(() => underWay.count).toBe(0);
    socket.destroy();
    await once(socket, 'close');
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  });

  it('end with their client, those too whose answers wait behind another on its connection', async () => {
    const underWay = new UnderWay(8);
    const { port, signals } = await listening(underWay);
    const socket = connect(port, '127.0.0.1');
    socket.write(asked('/held') + asked('/held') + asked('/at-once'));
    await expect.poll(() => signals.length).toBe(3);
    expect(underWay.count).toBe(3);
    socket.destroy();
    await expect.poll(() => underWay.count).toBe(0);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
  });
});
