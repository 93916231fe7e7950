import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { QuernError } from '../../errors.ts';
import { optionalPackage } from '../../optional-package.ts';
import type { ServiceMetrics } from '../metrics.ts';
import type { Service } from '../service/service.ts';
import { checkHost, checkOrigin, checkServiceReach, checkToken, hostAsked } from './access.ts';
import { isFault, sendError, StatusError } from './answer-error.ts';
import {
  boundBodies,
  connectionTimes,
  headBytes,
  refuseConnection,
  type ConnectionTimes,
} from './connection-bounds.ts';
import { addDocumentation } from './documentation.ts';
import { quotes, recognised } from './logged-service.ts';
import { addPages } from './pages.ts';
import { addRoute, type Route } from './route.ts';
import { sheddingServer } from './shedding-server.ts';
import { UnderWay } from './under-way.ts';
import { whenOver } from './when-over.ts';

/** How an application is made. */
export interface ApplicationOptions {
  readonly metrics: ServiceMetrics;
  readonly routes: readonly Route[];
  readonly underWay: UnderWay;
  /** Whether the pages are served. Default: they are. */
  readonly hasPages?: boolean;
  /** Let anybody ask who reaches the service, where the configuration declares no token. */
  readonly isOpen?: boolean;
  /** Where the log goes. Default: stderr. */
  readonly logTo?: { write(line: string): void };
  readonly times?: Partial<ConnectionTimes>;
}

/** Characters of a part of a path. */
const longestParam = 200;
/** Searches: what is asked most, and refused before it is read where too much waits. */
const searchPath = '/v1/search';
const packages =
  'npm install fastify @fastify/helmet @fastify/rate-limit @fastify/swagger @fastify/swagger-ui prom-client';

/**
 * The HTTP application of a service. Throws `USAGE` where others would reach it and no token is asked for, and `MISSING_PACKAGE`.
 */
export async function serviceApplication(
  service: Service,
  {
    metrics,
    routes,
    underWay,
    hasPages = true,
    isOpen = false,
    logTo = process.stderr,
    ...rest
  }: ApplicationOptions,
): Promise<FastifyInstance> {
  const { listen, tokens, limits, log } = service.config;
  checkServiceReach({ listen, tokens }, isOpen);
  const times = { ...connectionTimes, ...rest.times };
  const { fastify, LogController } = await needed(() => import('fastify'), 'fastify');
  const server = fastify({
    bodyLimit: limits.body,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // What the proxy itself says, and not what it was told: that could be anything.
    trustProxy: listen.proxy && ((_, hop) => hop === 0),
    routerOptions: { maxParamLength: longestParam },
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request' }),
    logger: { level: log.level, stream: logTo },
    serverFactory: (handler) =>
      sheddingServer(handler, {
        settings: {
          maxHeaderSize: headBytes,
          headersTimeout: times.head,
          connectionsCheckingInterval: times.look,
          requestTimeout: times.request,
          keepAliveTimeout: times.idle,
        },
        // Pages need the headers that let them read a refusal, and who asks a service that ends is to ask another.
        queueOf: ({ url, headers }) =>
          url === searchPath && headers.origin === undefined && !underWay.isDraining
            ? service.searches
            : undefined,
        onRefused: (path, seconds) => metrics.answered(path, 429, seconds),
      }),
    // Paths for which no route is even looked up.
    frameworkErrors: ({ statusCode = 400 }, request, reply) => {
      metrics.answered('none', statusCode, reply.elapsedTime / 1000);
      void reply.header('x-request-id', request.id);
      sendError(reply, unreadablePath(statusCode));
    },
    clientErrorHandler: (error, socket) => {
      metrics.failed('connection', codeOf(error));
      refuseConnection(error, socket);
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

  server.setErrorHandler((error, request, reply) => {
    const { reason } = request.goneSignal ?? {};
    // What was broken off is told why, not that it was.
    const told: unknown = reason instanceof StatusError ? reason : error;
    logError(told, request, { metrics, questions: log.questions });
    return sendError(reply, told);
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
    checkHost(hostAsked(request.raw), listen);
    // The pages and what they are made of: links to them stand elsewhere.
    // Of what is nowhere no body is read.
    if (request.is404) throw noRoute();
    const isPage = (facts?.scope ?? 'open') === 'open' && ['GET', 'HEAD'].includes(request.method);
    if (!isPage) checkOrigin(request.headers, listen);
    if (facts && facts.scope !== 'open') {
      try {
        request.tokenName = checkToken(request.headers.authorization, facts.scope, tokens);
      } catch (error) {
        // Who tries tokens is counted by the address.
        if (limit) await limit.call(server, request, reply);
        throw error;
      }
    }
    whenOver(reply, () => {
      // Of an answer that was not taken whole, fastify tells nothing.
      if (!reply.raw.writableFinished) tell(request, reply, 499);
    });
    request.goneSignal = underWay.begin(reply, facts?.always ?? false);
  });
  if (limit) {
    server.addHook('onRequest', async (request, reply) => {
      const { facts } = request.routeOptions.config;
      // Who watches the service is not kept from it by who asks too much at the same address.
      if (!facts?.always) await limit.call(server, request, reply);
    });
  }
  boundBodies(server, limits.bodyTime);
  server.addHook('onSend', async (_, reply) => {
    if (underWay.isDraining) void reply.header('connection', 'close');
  });
  server.addHook('onResponse', async (request, reply) => tell(request, reply, reply.statusCode));
  server.setNotFoundHandler((_, reply) => sendError(reply, noRoute()));
  await addDocumentation(server, service);
  if (hasPages) await addPages(server);
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
    frameguard: { action: 'deny' },
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
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    maxAge: 600,
    exposedHeaders: ['x-request-id', 'retry-after', 'mcp-session-id'],
  });
}

function needed<T>(load: () => Promise<T>, name: string): Promise<T> {
  return optionalPackage(load, `${name}, which the service is made with`, packages);
}

/** A request's id: the one that it came with, where that is one, so that it can be followed from service to service. */
function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID();
}

/** The error for a path that is answered without a route; what it was is not said again. */
function unreadablePath(status: number): StatusError {
  const what = status === 414 ? `has a part of more than ${longestParam} characters` : 'cannot be decoded';
  return new StatusError(status, 'BAD_INPUT', what, { where: 'path' });
}

/** How errors are logged. */
interface ErrorLog {
  readonly metrics: ServiceMetrics;
  /** Whether the log may hold questions. */
  readonly questions: boolean;
}

/**
 * What a client did wrong is told to it; what went wrong here is logged, with what led to it. Words that quote the question are left
 * out where questions are not to be logged.
 */
function logError(error: unknown, request: FastifyRequest, { metrics, questions }: ErrorLog): void {
  const { url = 'none' } = request.routeOptions;
  metrics.failed(url, codeOf(error));
  if (!isFault(error)) {
    request.log.debug({ code: codeOf(error) }, 'refused');
    return;
  }
  const { cause } = error as Error;
  const words = [error, cause].map(String).join('\n');
  if (!questions && textsIn(request.body).some((text) => quotes(words, text))) {
    request.log.error({ code: codeOf(error), why: 'left out, as it quotes what was asked' }, 'failed');
  } else request.log.error({ err: error, cause }, 'failed');
}

/** The texts in a body that are long enough to be recognised. */
function textsIn(body: unknown): string[] {
  if (typeof body === 'string') return body.length >= recognised ? [body] : [];
  if (typeof body !== 'object' || body === null) return [];
  return Object.values(body).flatMap(textsIn).slice(0, 100);
}

function noRoute(): QuernError {
  return new QuernError('NOT_FOUND', 'no such route, or not with this method', {
    hint: 'GET /docs is a page of all routes, GET /openapi.json lists them for programs',
  });
}

function codeOf(error: unknown): string {
  const { code = 'INTERNAL' } = error as { readonly code?: string };
  return /^[A-Z_]{1,40}$/.test(code) ? code : 'INTERNAL';
}
