import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sendError, StatusError } from './answer-error.ts';

/** How long connections may take for what, in milliseconds. */
export interface ConnectionTimes {
  /** For the head of a request, from the connection, or the end of the request before it. */
  readonly head: number;
  /** Without a request, after one was answered. */
  readonly idle: number;
  /** For a request whole, uploads too. */
  readonly request: number;
  /** From one look for late connections to the next. */
  readonly look: number;
}

export const connectionTimes: ConnectionTimes = {
  head: 10_000,
  // Longer than balancers keep theirs, which would else send requests on connections that end.
  idle: 65_000,
  request: 3_600_000,
  look: 1000,
};

/** Bytes of a request's head. */
export const headBytes = 16_384;

/** How long a client has to read the answer that its connection ends with, in milliseconds. */
const farewell = 100;

/**
 * Answers what is no request with a status alone, and ends its connection, also where the client leaves its own end open:
 * connections would run out.
 */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (socket.writable) {
    socket.end(`HTTP/1.1 ${statusOf(error.code)}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  }
  socket.destroySoon();
}

function statusOf(code: string | undefined): string {
  if (code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout';
  return '400 Bad Request';
}

/**
 * Ends connections whose body does not come within `time` milliseconds: a client that sends a byte a second would hold one for an
 * hour. Uploads, which their routes read themselves, have the time of a request; the rest of a body that nobody reads, as of a
 * request that was refused, is not waited for (`linger.ts`).
 */
export function boundBodies(server: FastifyInstance, time: number): void {
  const timers = new WeakMap<FastifyRequest, NodeJS.Timeout>();
  const clear = (request: FastifyRequest): void => clearTimeout(timers.get(request));
  server.addHook('preParsing', async (request, reply) => {
    if (request.raw.complete || request.routeOptions.config.facts?.takesStream) return;
    const late = (): void => {
      void reply.header('connection', 'close');
      sendError(reply, new StatusError(408, 'TIMEOUT', `the body has not come within ${time} ms`));
      setTimeout(() => request.raw.destroy(), farewell).unref();
    };
    timers.set(request, setTimeout(late, time).unref());
  });
  server.addHook('preValidation', async (request) => clear(request));
  server.addHook('onRequestAbort', async (request) => clear(request));
  server.addHook('onResponse', async (request) => clear(request));
}
