import type { FastifyReply } from 'fastify';
import { errorAnswer, StatusError } from './answer-error.ts';

/** After how many milliseconds without an event a comment is sent, so that who has gone is noticed. */
const heartbeat = 15_000;
/** Bytes that may wait for a client to take them; one that takes less is dropped. */
const mostUnsent = 1 << 20;

/** Server-sent events to one client. */
export interface EventSender {
  /** Sends an event; `data` as JSON. Events to a client that has gone are dropped. */
  send(event: string | undefined, data: unknown): void;
  /** Sends a line of data as it is, for protocols whose last word is no JSON. */
  sendText(text: string): void;
}

/**
 * Answers with server-sent events, which `work` sends; `signal` is aborted when the client goes, or takes too little. An error of
 * `work` becomes an event `error`. Where `first` throws, nothing has been sent, and the error is answered as any other: what it
 * resolves to is handed to `work`.
 */
export async function answerEvents<T>(
  reply: FastifyReply,
  signal: AbortSignal,
  first: () => Promise<T>,
  work: (sender: EventSender, begun: T) => Promise<void>,
): Promise<FastifyReply> {
  const begun = await first();
  void reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // Proxies that gather answers would hold the events up.
    'x-accel-buffering': 'no',
  });
  raw.flushHeaders();
  const write = (text: string): void => {
    if (raw.destroyed || raw.writableEnded) return;
    // One event may be as large as it is: what came before it has not been taken.
    if (raw.writableLength > mostUnsent) raw.destroy();
    else raw.write(text);
  };
  const timer = setInterval(() => write(':\n\n'), heartbeat);
  const sender: EventSender = {
    send: (event, data) =>
      write(`${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`),
    sendText: (text) => write(`data: ${text}\n\n`),
  };
  try {
    await work(sender, begun);
  } catch (error) {
    // At the end of a shutdown's patience its signal says why.
    const told: unknown = signal.reason instanceof StatusError ? signal.reason : error;
    if (!signal.aborted) reply.log.warn({ err: error }, 'a stream of events broke off');
    sender.send('error', errorAnswer(told).body);
  } finally {
    clearInterval(timer);
    if (!raw.destroyed) raw.end();
  }
  return reply;
}
