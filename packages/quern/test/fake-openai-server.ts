import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { text } from 'node:stream/consumers';

/** A request as it came in. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The JSON of the body; undefined where there is none. */
  readonly body?: Record<string, unknown>;
}

/** What the server does with a request. */
export type FakeReply = (response: ServerResponse, request: ReceivedRequest) => void | Promise<void>;

/** How a stream is written; all of it is allowed by the specification of server-sent events but for `raw`. */
export interface StreamSettings {
  readonly pieces?: readonly string[];
  /** Null leaves it out: the stream ends without saying why. */
  readonly finish?: string | null;
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
  readonly done?: boolean;
  readonly lineEnd?: '\n' | '\r\n';
  /** A comment before each event. */
  readonly comments?: boolean;
  /** Text that is written after the pieces as it is. */
  readonly raw?: string;
  /** The bytes of each write, so that characters are torn apart. */
  readonly writeBytes?: number;
  /** Breaks the connection off rather than ending the reply. */
  readonly destroy?: boolean;
  /** Leaves the connection open after the last byte. */
  readonly hang?: boolean;
}

/** A chunk of a streamed chat completion. */
export function chunkOf(choice: Record<string, unknown> | null, more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1700000000,
    model: 'served',
    choices: choice === null ? [] : [{ index: 0, delta: {}, finish_reason: null, ...choice }],
    ...more,
  });
}

/** A streamed chat completion: a chunk with the role, the pieces, why it ended, the usage where it is asked for. */
export function streamed({
  pieces = ['Think ', 'about it.'],
  finish = 'stop',
  usage = { prompt_tokens: 50, completion_tokens: 7 },
  done = true,
  lineEnd = '\n',
  comments = false,
  raw = '',
  writeBytes,
  destroy = false,
  hang = false,
}: StreamSettings = {}): FakeReply {
  return async (response, { body }) => {
    const asksUsage =
      (body?.stream_options as { include_usage?: boolean } | undefined)?.include_usage === true;
    const events = [
      chunkOf({ delta: { role: 'assistant', content: '' } }),
      ...pieces.map((content) => chunkOf({ delta: { content } })),
      ...(finish === null ? [] : [chunkOf({ finish_reason: finish })]),
      ...(usage && asksUsage ? [chunkOf(null, { usage })] : []),
      ...(done ? ['[DONE]'] : []),
    ];
    const comment = comments ? `: keep-alive${lineEnd}${lineEnd}` : '';
    const written = events.map((event) => `${comment}data: ${event}${lineEnd}${lineEnd}`);
    // What `raw` holds comes right after the pieces.
    written.splice(1 + pieces.length, 0, raw);
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    const bytes = Buffer.from(written.join(''));
    const step = writeBytes ?? bytes.length;
    for (let at = 0; at < bytes.length; at += step) {
      response.write(bytes.subarray(at, at + step));
      if (writeBytes !== undefined) await turn();
    }
    if (hang) return;
    if (!destroy) response.end();
    else setTimeout(() => response.socket?.destroy(), 10);
  };
}

/** A whole chat completion in JSON, as a server without streaming sends it. */
export function completion(content: string | null, more: Record<string, unknown> = {}): FakeReply {
  return json(200, {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 50, completion_tokens: 7, total_tokens: 57 },
    ...more,
  });
}

/** A JSON reply. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): FakeReply {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** An error as OpenAI words it. */
export function failing(
  status: number,
  error: Record<string, unknown> = { message: 'The server had an error.', type: 'server_error' },
  headers: Record<string, string> = {},
): FakeReply {
  return json(status, { error: { param: null, code: null, ...error } }, headers);
}

/** A reply of any kind, as it is. */
export function plain(
  status: number,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): FakeReply {
  return (response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
}

/** Takes the request and never answers. */
export const silent: FakeReply = () => undefined;

/** Sends the headers of a stream and nothing more. */
export const onlyHeaders: FakeReply = (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
};

/** Breaks the connection off before anything is answered. */
export const destroyed: FakeReply = (response) => {
  response.socket?.destroy();
};

/** Streams pieces until the client goes away. */
export function endless(status = 200): FakeReply {
  return async (response) => {
    response.writeHead(status, { 'content-type': 'text/event-stream' });
    const block = `data: ${chunkOf({ delta: { content: 'and on ' } })}\n\n`.repeat(100);
    while (!response.destroyed) {
      if (!response.write(block)) await pause(1);
    }
  };
}

/** How a server words that it does not take a field: OpenAI, a model that takes another value, FastAPI, or not at all. */
const refusals = {
  openai: (field: string) =>
    failing(400, {
      message: `Unrecognized request argument supplied: ${field}`,
      type: 'invalid_request_error',
    }),
  param: (field: string) =>
    failing(400, {
      message: `Unsupported parameter: '${field}' is not supported with this model.`,
      type: 'invalid_request_error',
      param: field,
      code: 'unsupported_parameter',
    }),
  fastapi: (field: string) =>
    json(422, {
      detail: [{ type: 'extra_forbidden', loc: ['body', field], msg: 'Extra inputs are not permitted' }],
    }),
  unnamed: () => json(400, { object: 'error', message: 'unknown field in the request', code: 400 }),
};

/** A server that refuses requests with any of the fields, one at a time, and answers the others. */
export function refusing(
  fields: readonly string[],
  wording: keyof typeof refusals,
  answer: FakeReply = streamed(),
): FakeReply {
  return (response, request) => {
    const field = fields.find((name) => request.body !== undefined && name in request.body);
    return (field === undefined ? answer : refusals[wording](field))(response, request);
  };
}

/** An OpenAI-compatible server on this machine, for tests. */
export class FakeOpenAiServer {
  /** The base URL, ending in `/v1`. */
  readonly url: string;
  /** All requests so far, in the order in which they came in. */
  readonly requests: ReceivedRequest[] = [];
  /** What is done with the next chat completions, one after the other; then, and where it is empty, `reply`. */
  readonly script: FakeReply[] = [];
  reply: FakeReply = streamed();
  models: FakeReply = json(200, { object: 'list', data: [{ id: 'served', object: 'model' }] });
  /** What is done with other requests, such as `POST /v1/embeddings`. */
  readonly routes = new Map<string, FakeReply>();
  /** Chat completions under way, and the most that ever were. */
  underWay = 0;
  mostUnderWay = 0;
  /** Connections so far. */
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    server.on('connection', (socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('request', async (request, response) => {
      const body = await text(request).catch(() => '');
      const received: ReceivedRequest = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: body === '' ? undefined : (JSON.parse(body) as Record<string, unknown>),
      };
      this.requests.push(received);
      await this.#answer(received, response);
    });
  }

  /** Starts one on a free port; `replies` are its script. */
  static start(...replies: FakeReply[]): Promise<FakeOpenAiServer> {
    return FakeOpenAiServer.startAt(0, ...replies);
  }

  /** Starts one on a port, as one that was stopped may come back. */
  static async startAt(port: number, ...replies: FakeReply[]): Promise<FakeOpenAiServer> {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
    const fake = new FakeOpenAiServer(server);
    fake.script.push(...replies);
    return fake;
  }

  /** The bodies of all requests for chat completions. */
  get bodies(): Record<string, unknown>[] {
    return this.requests.flatMap(({ path, body }) => (path === '/v1/chat/completions' && body ? [body] : []));
  }

  /** The questions of all requests for chat completions, as the prompt holds them. */
  get questions(): string[] {
    return this.bodies.map(({ messages }) => {
      const { content } = (messages as { content: string }[]).at(-1)!;
      return /^Query: (.*)$/m.exec(content)![1];
    });
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** The name of the reasoner that asks this server. */
  name(model = 'served'): string {
    return `openai:${model}@${this.url}`;
  }

  /** Stops it; connections that hang are broken off. */
  async stop(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #answer(request: ReceivedRequest, response: ServerResponse): Promise<void> {
    if (request.method === 'GET' && request.path === '/v1/models') return this.models(response, request);
    const route = this.routes.get(`${request.method} ${request.path}`);
    if (route) return route(response, request);
    if (request.method !== 'POST' || request.path !== '/v1/chat/completions') {
      return failing(404, { message: `Unknown request URL: ${request.method} ${request.path}` })(
        response,
        request,
      );
    }
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
    response.on('close', () => this.underWay--);
    await (this.script.shift() ?? this.reply)(response, request);
  }
}
