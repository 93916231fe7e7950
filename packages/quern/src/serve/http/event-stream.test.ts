import { once } from 'node:events';
import { connect } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, expect, it } from 'vitest';
import { answerEvents, type EventSender } from './event-stream.ts';
import { UnderWay } from './under-way.ts';

let server: FastifyInstance | undefined;

afterEach(async () => {
  await server?.close();
});

/** The port of a server that answers with what `work` sends. */
async function serving(work: (sender: EventSender, signal: AbortSignal) => Promise<void>): Promise<number> {
  const underWay = new UnderWay(10);
  server = fastify({ forceCloseConnections: true });
  server.get('/', (_, reply) => {
    const signal = underWay.begin(reply, false);
    return answerEvents(
      reply,
      signal,
      async () => undefined,
      (sender) => work(sender, signal),
    );
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
  return (server.server.address() as { port: number }).port;
}

it('a client that takes nothing is dropped before much waits for it, and the work is told', async () => {
  const data = 'x'.repeat(100_000);
  let sent = 0;
  let ended: (() => void) | undefined;
  const work = new Promise<void>((resolve) => (ended = resolve));
  const port = await serving(async ({ send }, signal) => {
    while (!signal.aborted && sent < 10_000) {
      send('piece', data);
      sent++;
      await new Promise(setImmediate);
    }
    ended!();
  });
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined).pause();
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await work;
  // A megabyte waits here, and the system takes some on the way.
  expect(sent).toBeGreaterThan(10);
  expect(sent).toBeLessThan(1000);
  const closed = once(socket, 'close');
  socket.resume();
  await closed;
});

it('a client that reads gets all of it, however much that is', async () => {
  const data = 'x'.repeat(100_000);
  const port = await serving(async ({ send }) => {
    for (let i = 0; i < 100; i++) {
      send('piece', data);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });
  const text = await (await fetch(`http://127.0.0.1:${port}/`)).text();
  expect(text.length).toBe(100 * `event: piece\ndata: "${data}"\n\n`.length);
});

it('one event may be larger than what may wait', async () => {
  const data = 'x'.repeat(3_000_000);
  const port = await serving(async ({ send }) => send('done', data));
  const text = await (await fetch(`http://127.0.0.1:${port}/`)).text();
  expect(text).toBe(`event: done\ndata: "${data}"\n\n`);
});

it('text with line ends stays one event', async () => {
  const port = await serving(async ({ send }) => send(undefined, { text: 'a\n\ndata: b\r\nevent: c' }));
  const text = await (await fetch(`http://127.0.0.1:${port}/`)).text();
  expect(text).toBe('data: {"text":"a\\n\\ndata: b\\r\\nevent: c"}\n\n');
});
