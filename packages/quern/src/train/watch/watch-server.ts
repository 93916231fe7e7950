import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { QuernError } from '../../errors.ts';
import { optionalPackage } from '../../optional-package.ts';
import { checkAccess, checkReach } from '../../reward/server/access.ts';
import { listenAt, type Listening } from '../../reward/server/listening.ts';
import { watchPage } from './page-html.ts';
import { watchStyle } from './page-style.ts';
import { sampleSteps, samplesOf } from './samples.ts';
import { listedRun, openRuns, type WatchedRun } from './watched-run.ts';

/** How runs are served. */
export interface WatchServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: one that is free. */
  readonly port?: number;
  /** What requests must show, as a password; needed where the host is not this machine alone. */
  readonly token?: string;
}

/** Nothing but what this server has, no script or style within the page, and no text that becomes markup. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/**
 * Serves a page that shows runs of training as they go: curves of their metrics, and samples. `paths` are folders of runs, or
 * such as hold them; nothing but these runs can be read, and nothing changed. Throws what `runFolders` does, `USAGE` for a host that
 * others reach without a token or that this machine does not have and for a port that is taken, and `MISSING_PACKAGE`.
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
  const runs = await openRuns(paths);
  const files = await pageFiles();
  const { fastify } = await optionalPackage(
    () => import('fastify'),
    'fastify, which serves the page',
    'npm install fastify',
  );
  const server = fastify({ bodyLimit: 1024, requestTimeout: 60_000, forceCloseConnections: true });
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
  server.setNotFoundHandler((_, reply) => answerError(notFound('no such route'), reply));

  for (const [path, { type, text }] of files) {
    server.get(path, async (_, reply) => reply.type(type).send(text));
  }
  // Browsers ask for it, and would note that there is none.
  server.get('/favicon.ico', async (_, reply) => reply.status(204).send());
  server.get('/api/runs', async () => ({ runs: await Promise.all(runs.map(listedRun)) }));
  server.get<{ Params: { run: string }; Querystring: { after?: unknown } }>(
    '/api/runs/:run/metrics',
    async ({ params, query }) => {
      const { after } = query;
      return numbered(runs, params.run).metrics.after(typeof after === 'string' ? after : undefined);
    },
  );
  server.get<{ Params: { run: string } }>('/api/runs/:run/samples', async ({ params }) =>
    sampleSteps(numbered(runs, params.run).folder),
  );
  server.get<{ Params: { run: string; step: string } }>(
    '/api/runs/:run/samples/:step',
    async ({ params }) => {
      const { folder } = numbered(runs, params.run);
      const samples = /^\d{1,9}$/.test(params.step)
        ? await samplesOf(folder, Number(params.step))
        : undefined;
      if (samples === undefined) throw notFound('the run has no samples of this step');
      return samples;
    },
  );
  return server;
}

/** What the page is made of, by the routes; only these files can be asked for. */
async function pageFiles(): Promise<Map<string, { readonly type: string; readonly text: string }>> {
  const script = 'text/javascript; charset=utf-8';
  const style = 'text/css; charset=utf-8';
  const folder = new URL('./page/', import.meta.url);
  const modules = (await readdir(folder)).filter((name) => name.endsWith('.js'));
  const { resolve } = createRequire(import.meta.url);
  return new Map([
    ['/', { type: 'text/html; charset=utf-8', text: watchPage }],
    ['/style.css', { type: style, text: watchStyle }],
    ['/uplot.css', { type: style, text: await readFile(resolve('uplot/dist/uPlot.min.css'), 'utf8') }],
    ['/uplot.js', { type: script, text: await readFile(resolve('uplot/dist/uPlot.iife.min.js'), 'utf8') }],
    ...(await Promise.all(
      modules.map(
        async (name) =>
          [`/page/${name}`, { type: script, text: await readFile(new URL(name, folder), 'utf8') }] as const,
      ),
    )),
  ]);
}

/** Runs are named by their numbers, so that no path can be asked for. */
function numbered(runs: readonly WatchedRun[], number: string): WatchedRun {
  const run = /^\d{1,4}$/.test(number) ? runs[Number(number)] : undefined;
  if (run === undefined) throw notFound('no such run');
  return run;
}

function notFound(what: string): QuernError {
  return new QuernError('NOT_FOUND', what);
}

const statuses: Readonly<Record<string, number>> = { DENIED: 401, NOT_FOUND: 404 };

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
