import { randomUUID } from 'node:crypto';
import type { JSONRPCErrorResponse } from '@modelcontextprotocol/sdk/types.js';
import { QuernError, throwIfAborted } from '../../errors.ts';
import { StatusError } from '../http/answer-error.ts';
import { withLog } from '../http/logged-service.ts';
import { route, type Call, type Route } from '../http/route.ts';
import { whenOver } from '../http/when-over.ts';
import type { Service } from '../service/service.ts';
import { Cancellations, type CancellableRequest } from './cancellations.ts';
import { httpTransport, serverSdk } from './sdk.ts';
import { mcpServer, serviceTools, type McpLog } from './server.ts';

/** What transports hold against the address that was asked; requests are checked before. */
const address = 'http://localhost/mcp';
const sessionHeader = 'mcp-session-id';
/** The code of an answer that is none, from those that JSON-RPC leaves to servers. */
const brokenOff = -32_000;

/** A message of JSON-RPC, as far as it is looked at here. */
interface Message {
  readonly method?: unknown;
  readonly id?: unknown;
  readonly params?: {
    readonly requestId?: unknown;
    readonly arguments?: { readonly question?: unknown };
  };
}

/**
 * MCP over streamable HTTP, at `/mcp`. Each request has a server of its own, which ends with it, so that nothing is kept between
 * two. Clients get a session's id all the same: by it a notification finds the request that it cancels.
 */
export function mcpRoutes(service: Service): Route[] {
  const tools = serviceTools(service);
  const cancellations = new Cancellations();
  const shared = { path: '/mcp', scope: 'read', tag: 'MCP' } as const;
  return [
    route({
      ...shared,
      method: 'POST',
      summary: 'What agents speak: MCP over streamable HTTP.',
      description:
        'One message of JSON-RPC a request. Any client of the Model Context Protocol takes this address; docs/SERVICE.md tells how.',
      answers: {
        200: { description: 'Messages as server-sent events.', type: 'text/event-stream' },
        202: { description: 'A notification was taken.' },
      },
      handle: (call) => answered(service, tools, cancellations, call),
    }),
    route({
      ...shared,
      method: 'DELETE',
      summary: 'End a session of MCP.',
      answers: { 204: { description: 'What was under way in it is broken off.' } },
      handle: async ({ request, reply }) => {
        const session = sessionOf(request);
        if (session !== undefined) cancellations.end({ token: request.tokenName, session });
        return reply.status(204).send();
      },
    }),
    route({
      ...shared,
      method: 'GET',
      summary: 'No stream of its own: whatever a client is told, it is told in answers.',
      answers: { 405: { description: 'Always.' } },
      handle: async ({ reply }) => {
        void reply.header('allow', 'POST, DELETE');
        throw new StatusError(405, 'USAGE', 'there is no stream here but those that answer POST');
      },
    }),
  ];
}

async function answered(
  service: Service,
  tools: ReturnType<typeof serviceTools>,
  cancellations: Cancellations,
  { request, reply, signal }: Call<unknown>,
): Promise<unknown> {
  const message = messageOf(request.body);
  const session = sessionOf(request);
  const ofRequest = (id: unknown): CancellableRequest | undefined => {
    const isId = typeof id === 'string' || typeof id === 'number';
    return session === undefined || !isId ? undefined : { token: request.tokenName, session, id };
  };
  if (message.method === 'notifications/cancelled') {
    const cancelled = ofRequest(message.params?.requestId);
    if (cancelled) cancellations.cancel(cancelled);
  }
  const log: McpLog = {
    asked(tool, input) {
      if (service.config.log.questions) request.log.info({ tool, input }, 'asked');
    },
    failed: (tool, error) => request.log.error({ err: error, cause: (error as Error).cause, tool }, 'failed'),
  };
  const [sdk, { WebStandardStreamableHTTPServerTransport: Transport }] = await Promise.all([
    serverSdk(),
    httpTransport(),
  ]);
  throwIfAborted(signal);
  const transport = new Transport();
  const question = message.params?.arguments?.question;
  // What fails in a call is logged with its request.
  const logged = typeof question === 'string' ? serviceTools(withLog(service, request.log, question)) : tools;
  const server = mcpServer(sdk, logged, { log });
  const end = (): void => void server.close();
  const called = typeof message.method === 'string' ? ofRequest(message.id) : undefined;
  const forget = called && cancellations.add(called, end);
  const breakOff = (): void => {
    // A client that is still there would wait for an answer until its own patience ends.
    const told = reply.raw.destroyed ? Promise.resolve() : transport.send(shuttingDown(message.id));
    // What is no request has no answer that could be sent.
    told.catch(() => undefined).finally(end);
  };
  signal.addEventListener('abort', breakOff, { once: true });
  whenOver(reply, () => forget?.());
  await server.connect(transport);
  const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' ? [[name, value]] : [],
  );
  const asRequest = new Request(address, { method: 'POST', headers });
  const response = await transport.handleRequest(asRequest, { parsedBody: request.body });
  if (message.method === 'initialize' && response.ok) void reply.header(sessionHeader, randomUUID());
  for (const [name, value] of response.headers) if (name !== 'connection') void reply.header(name, value);
  return reply.status(response.status).send(response.body ?? undefined);
}

/** The answer to a request that is broken off since the service ends. */
function shuttingDown(id: unknown): JSONRPCErrorResponse {
  const error = { code: brokenOff, message: 'the service is shutting down' };
  return { jsonrpc: '2.0', id: id as string | number, error };
}

/** The one message of a body. Throws `BAD_INPUT` for several: each is to be counted, and refused, by itself. */
function messageOf(body: unknown): Message {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Message;
  throw new QuernError('BAD_INPUT', 'is not one message of JSON-RPC', {
    where: 'body',
    hint: 'Send each message in a request of its own',
  });
}

function sessionOf({ headers }: Call<unknown>['request']): string | undefined {
  const given = headers[sessionHeader];
  return typeof given === 'string' && /^[\x21-\x7e]{1,128}$/.test(given) ? given : undefined;
}
