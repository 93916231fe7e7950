import type { FastifyInstance, FastifyReply } from 'fastify';
import { QuernError } from '../../errors.ts';
import { optionalPackage } from '../../optional-package.ts';
import { checkAccess, checkReach } from '../../reward/server/access.ts';
import { listenAt, type Listening } from '../../reward/server/listening.ts';
import { runFolders } from '../../train/watch/run-folders.ts';
import { addPages } from '../http/pages.ts';
import { addRoute } from '../http/route.ts';
import { runRoutes } from '../http/routes/run-routes.ts';
import { Runs } from '../runs/runs.ts';

/** How runs are served. */
export interface WatchServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: one that is free. */
  readonly port?: number;
  /** What requests must show, as a password; needed where the host is not this machine alone. */
  readonly token?: string;
}

/** What is no page shows nothing, and runs nothing. */
const policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The routes of the service that the page asks. */
const routes: ReadonlySet<string> = new Set([
  '/v1/runs',
  '/v1/runs/:id',
  '/v1/runs/:id/metrics',
  '/v1/runs/:id/samples',
  '/v1/runs/:id/samples/:step',
]);

/**
 * Serves the service's page of runs of training, and no other. `paths` are folders of runs, or such as hold them; nothing but
 * these runs can be read, and nothing changed. Throws what `runFolders` does, `USAGE` for a host that others reach without a token
 * or that this machine does not have and for a port that is taken, `MISSING_PACKAGE`, and `NOT_FOUND` where the pages are not
 * built.
 */
export async function watchRuns(
  paths: readonly string[],
  options: WatchServerOptions = {},
): Promise<Listening> {
  return listenAt(await watchApplication(paths, options), options);
}

/** The application that {@link watchRuns} listens with. */
export async function watchApplication(
  paths: readonly string[],
  { host = '127.0.0.1', token }: WatchServerOptions = {},
): Promise<FastifyInstance> {
  checkReach(host, token);
  const runs = new Runs(await runFolders(paths));
  const { fastify } = await optionalPackage(
    () => import('fastify'),
    'fastify, which serves the page',
    'npm install fastify',
  );
  const server = fastify({ bodyLimit: 1024, requestTimeout: 60_000, forceCloseConnections: true });
  // The schemas of routes are for the documentation of the service.
  server.setValidatorCompiler(() => () => true);
  server.setSerializerCompiler(() => (data) => JSON.stringify(data));
  server.addHook('onRequest', async ({ headers }, reply) => {
    void reply.headers({
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    checkAccess(headers, token);
  });
  server.setErrorHandler((error, _, reply) => answerError(error, reply, token !== undefined));
  server.setNotFoundHandler((_, reply) => answerError(new QuernError('NOT_FOUND', 'no such route'), reply));
  if ((await addPages(server, { only: 'training' })) === 0) {
    throw new QuernError('NOT_FOUND', 'the pages are not built', { hint: 'Run npm run build' });
  }
  for (const each of runRoutes(runs)) if (routes.has(each.path)) addRoute(server, each);
  return server;
}

const statuses: Readonly<Record<string, number>> = {
  DENIED: 401,
  NOT_FOUND: 404,
  BAD_INPUT: 400,
  UNAVAILABLE: 503,
};

/** Says what went wrong; of what the client did not cause, without its message, which may name paths. */
function answerError(error: unknown, reply: FastifyReply, asks = false): FastifyReply {
  if (error instanceof QuernError && error.code in statuses) {
    const { code, what, where } = error;
    // A browser then asks for a user and a password, which is the token.
    if (code === 'DENIED' && asks)
      void reply.header('www-authenticate', 'Basic realm="quern", charset="UTF-8"');
    const details = { code, message: what, ...(where !== undefined && { where }) };
    return reply.status(statuses[code]!).send({ error: details });
  }
  const { statusCode = 500 } = error as { statusCode?: number };
  const isClients = statusCode >= 400 && statusCode < 500;
  const message = isClients ? 'the request cannot be read' : 'the run could not be read';
  return reply
    .status(isClients ? statusCode : 500)
    .send({ error: { code: isClients ? 'BAD_INPUT' : 'INTERNAL', message } });
}
