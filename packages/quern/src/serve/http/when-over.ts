import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';

/** What is to be told of the end of a connection, for each that is open. */
const waiting = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls `then` once, when a request has been answered or its client has gone. An answer that waits behind others of its connection
 * (pipelining) is told nothing when that ends, so the connection is watched as well.
 */
export function whenOver({ raw, request }: FastifyReply, then: () => void): void {
  const ofConnection = waitingFor(request.raw.socket);
  const over = (): void => {
    ofConnection.delete(over);
    raw.off('close', over);
    then();
  };
  ofConnection.add(over);
  raw.once('close', over);
}

function waitingFor(socket: Socket): Set<() => void> {
  const known = waiting.get(socket);
  if (known) return known;
  const all = new Set<() => void>();
  waiting.set(socket, all);
  socket.once('close', () => {
    for (const over of all) over();
  });
  return all;
}
