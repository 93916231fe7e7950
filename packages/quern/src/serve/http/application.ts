import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { QuernError } from '../../errors.ts';
import { optionalPackage } from '../../optional-package.ts';
import type { ServiceMetrics } from '../metrics.ts';
import type { Service } from '../service/service.ts';
import { checkHost, checkOrigin, checkServiceReach, checkToken } from './access.ts';
import { sendError, StatusError } from './answer-error.ts';
import { addDocumentation } from './documentation.ts';
import { addRoute, type Route } from './route.ts';
import { sheddingServer } from './shedding-server.ts';
import { UnderWay } from './under-way.ts';

/** How an application is made. */
export interface ApplicationOptions {
  readonly metrics: ServiceMetrics;
  readonly routes: readonly Route[];
  readonly underWay: UnderWay;
  /** Let anybody ask who reaches the service, where the configuration declares no token. */
  readonly isOpen?: boolean;
  /** Where the log goes. Default: stderr. */
  readonly logTo?: { write(line: string): void };
}

/** Milliseconds in which the head of a request must have come. */
const headersTime = 10_000;
/** Milliseconds after which a connection without a request is closed. */
const keepAliveTime = 15_000;
/** Milliseconds in which any request must have come whole, uploads too. */
const requestTime = 3_600_000;
/** Every so many milliseconds late connections are looked for. */
const lookEvery = 1000;
/** Bytes of a request's head. */
const headBytes = 16_384;
/** Searches: what is asked most, and refused before it is read where too much waits. */
const searchPath = '/v1/search';
const packages =
  'npm install fastify @fastify/helmet @fastify/rate-limit @fastify/swagger @fastify/swagger-ui prom-client';

/**
 * The HTTP application of a service. Throws `USAGE` where others would reach it and no token is asked for, and `MISSING_PACKAGE`.
 */
export async function serviceApplication(
  service: Service,
  { metrics, routes, underWay, isOpen = false, logTo = process.stderr }: ApplicationOptions,
): Promise<FastifyInstance> {
  const { listen, tokens, limits, log } = service.config;
  checkServiceReach({ listen, tokens }, isOpen);
  const { fastify, LogController } = await needed(() => import('fastify'), 'fastify');
  const server = fastify({
    bodyLimit: limits.body,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    trustProxy: listen.proxy,
    routerOptions: { maxParamLength: 200 },
    exposeHeadRoutes: false,
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request' }),
    logger: { level: log.level, stream: logTo },
    serverFactory: (handler) =>
      sheddingServer(handler, {
        settings: {
          maxHeaderSize: headBytes,
          headersTimeout: headersTime,
          connectionsCheckingInterval: lookEvery,
          requestTimeout: requestTime,
          keepAliveTimeout: keepAliveTime,
        },
        queueOf: (path) => (path === searchPath ? service.searches : undefined),
        onRefused: (path, seconds) => metrics.answered(path, 429, seconds),
      }),
    // What is no request at all is not worth an answer that could be asked for again and again.
    clientErrorHandler: (error, socket) => {
      if (!socket.writable) return;
      const status = statusOf((error as NodeJS.ErrnoException).code);
      socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    },
  });
  server.server.maxConnections = limits.connections;
  // What is not JSON is taken by the routes that say so alone.
  server.removeContentTypeParser('text/plain');
  // Routes check their bodies themselves; the schemas that fastify has are for the documentation.
  server.setValidatorCompiler(() => () => true);
  server.setSerializerCompiler(() => (data) => JSON.stringify(data));
  server.decorateRequest('tokenName', undefined);
  server.decorateRequest('goneSignal', null as unknown as AbortSignal);
  await addPlugins(server, service);

  const retryAfter = (): number => service.searches.retryAfter;
  server.setErrorHandler((error, request, reply) => {
    logError(error, request, metrics);
    return sendError(reply, error, retryAfter());
  });
  const limited = limits.perMinute > 0 && {
    max: limits.perMinute,
    timeWindow: 60_000,
    keyGenerator: ({ tokenName, ip }: FastifyRequest) =>
      tokenName === undefined ? `ip ${ip}` : `token ${tokenName}`,
    errorResponseBuilder: (_: unknown, { after }: { readonly after: string }) =>
      new QuernError('OVERLOADED', `no more than ${limits.perMinute} requests a minute are taken`, {
        hint: `Try again in ${after}`,
      }),
  };
  const limit = limited && server.rateLimit(limited);
  const tell = (request: FastifyRequest, { elapsedTime }: FastifyReply, status: number): void => {
    const path = request.routeOptions.url ?? 'none';
    metrics.answered(path, status, elapsedTime / 1000);
    request.log.info(
      {
        method: request.method,
        route: path,
        status,
        milliseconds: Math.round(elapsedTime * 10) / 10,
        ...(request.tokenName !== undefined && { token: request.tokenName }),
      },
      'answered',
    );
  };
  server.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
    const { facts } = request.routeOptions.config;
    checkHost(request.headers.host, listen);
    // Whoever follows a link from elsewhere to the page of the API may see it; other pages cannot read it.
    const isForAll = facts?.scope === 'open' || request.routeOptions.url?.startsWith('/docs') === true;
    const isPage = isForAll && request.method === 'GET';
    if (!isPage) checkOrigin(request.headers, listen);
    if (facts && facts.scope !== 'open') {
      request.tokenName = checkToken(request.headers.authorization, facts.scope, tokens);
    }
    reply.raw.once('close', () => {
      // Of an answer that was not taken whole, fastify tells nothing.
      if (!reply.raw.writableFinished) tell(request, reply, 499);
    });
    request.goneSignal = underWay.begin(reply, facts?.always ?? false);
  });
  if (limit) {
    server.addHook('onRequest', async (request, reply) => {
      if (request.routeOptions.config.facts?.scope !== 'open') await limit.call(server, request, reply);
    });
  }
  addBodyTimer(server, limits.bodyTime);
  server.addHook('onSend', async (_, reply) => {
    if (underWay.isDraining) void reply.header('connection', 'close');
  });
  server.addHook('onResponse', async (request, reply) => tell(request, reply, reply.statusCode));
  server.setNotFoundHandler((_, reply) =>
    sendError(reply, new QuernError('NOT_FOUND', 'no such route, or not with this method'), retryAfter()),
  );
  await addDocumentation(server, service);
  for (const each of routes) if (!each.takesStream) addRoute(server, each);
  await server.register(async (streams) => {
    // They look at the type of what is sent, and read it, themselves.
    streams.removeAllContentTypeParsers();
    streams.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const each of routes) if (each.takesStream) addRoute(streams, each);
  });
  return server;
}

async function addPlugins(server: FastifyInstance, { config }: Service): Promise<void> {
  const { default: helmet } = await needed(() => import('@fastify/helmet'), '@fastify/helmet');
  await server.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Whether it is reached by HTTPS is for whoever stands before it to say.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
  });
  const { default: rateLimit } = await needed(() => import('@fastify/rate-limit'), '@fastify/rate-limit');
  await server.register(rateLimit, { global: false, cache: 10_000 });
  if (config.listen.origins.length === 0) return;
  const { default: cors } = await optionalPackage(
    () => import('@fastify/cors'),
    '@fastify/cors, by which pages of other origins may ask',
    'npm install @fastify/cors',
  );
  await server.register(cors, {
    origin: [...config.listen.origins],
    maxAge: 600,
    exposedHeaders: ['x-request-id', 'retry-after', 'mcp-session-id'],
  });
}

function needed<T>(load: () => Promise<T>, name: string): Promise<T> {
  return optionalPackage(load, `${name}, which the service is made with`, packages);
}

/** A body that has not come in time ends its connection: a client that sends a byte a second would hold it for an hour. */
function addBodyTimer(server: FastifyInstance, time: number): void {
  const timers = new WeakMap<FastifyRequest, NodeJS.Timeout>();
  const clear = (request: FastifyRequest): void => clearTimeout(timers.get(request));
  server.addHook('preParsing', async (request, reply) => {
    if (request.routeOptions.config.facts?.takesStream) return;
    timers.set(
      request,
      setTimeout(() => {
        void reply.header('connection', 'close');
        sendError(reply, new StatusError(408, 'TIMEOUT', `the body has not come within ${time} ms`), 1);
        setTimeout(() => request.raw.destroy(), 100).unref();
      }, time),
    );
  });
  server.addHook('preValidation', async (request) => clear(request));
  server.addHook('onResponse', async (request) => clear(request));
  server.addHook('onRequestAbort', async (request) => clear(request));
}

/** A request's id: the one that it came with, where that is one, so that it can be followed from service to service. */
function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID();
}

function statusOf(code: string | undefined): string {
  if (code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout';
  return '400 Bad Request';
}

/** What a client did wrong is told to it; what went wrong here is logged, with what led to it. */
function logError(error: unknown, request: FastifyRequest, metrics: ServiceMetrics): void {
  const code = error instanceof QuernError ? error.code : ((error as { code?: string }).code ?? 'INTERNAL');
  const { url = 'none' } = request.routeOptions;
  metrics.failed(url, /^[A-Z_]{1,40}$/.test(code) ? code : 'INTERNAL');
  const { statusCode = 500 } = error as { readonly statusCode?: number };
  const isOurs = error instanceof QuernError ? !clientsCodes.has(error.code) : statusCode >= 500;
  if (isOurs) request.log.error({ err: error, cause: (error as Error).cause }, 'failed');
  else request.log.debug({ code }, 'refused');
}

const clientsCodes: ReadonlySet<string> = new Set([
  'USAGE',
  'BAD_INPUT',
  'DENIED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'LOCKED',
  'TOO_LARGE',
  'OVERLOADED',
  'ABORTED',
]);
