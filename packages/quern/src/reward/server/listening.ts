import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { QuernError } from '../../errors.ts';

/** A server that listens. */
export interface Listening {
  /** E.g. `http://127.0.0.1:8080`; with the host as it was given. */
  readonly url: string;
  /** Takes no more requests, answers those that it has, and ends. */
  close(): Promise<void>;
}

/** What listening fails with where a host names no address of this machine. */
const unusableHost: ReadonlySet<string> = new Set([
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EAI_AGAIN',
  'EINVAL',
  'ENOTFOUND',
]);

/**
 * Lets `server` listen, by default at 127.0.0.1 and a port that is free. Throws `USAGE` for a host that this machine does not
 * have and a port that is taken, and what else listening throws; the server is closed then.
 */
export async function listenAt(
  server: FastifyInstance,
  { host = '127.0.0.1', port = 0 }: { readonly host?: string; readonly port?: number },
): Promise<Listening> {
  try {
    await server.listen({ host, port });
    const { port: taken } = server.server.address() as AddressInfo;
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${taken}`;
    return { url, close: () => server.close() };
  } catch (error) {
    await server.close();
    const { code = '' } = error as NodeJS.ErrnoException;
    const taken = code === 'EADDRINUSE' ? 'is taken' : code === 'EACCES' ? 'is not allowed' : undefined;
    if (taken !== undefined) {
      throw new QuernError('USAGE', `port ${port} of ${host} ${taken}`, {
        hint: 'Give another (--port), or 0 for one that is free',
        cause: error,
      });
    }
    if (!unusableHost.has(code)) throw error;
    throw new QuernError('USAGE', `${host} is no address of this machine (${code})`, {
      hint: 'Give one that it has (--host), or 0.0.0.0 for all',
      cause: error,
    });
  }
}
