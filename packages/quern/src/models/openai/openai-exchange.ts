import type { OpenAI } from 'openai';
import { QuernError } from '../../errors.ts';
import {
  connectionFailure,
  errorObject,
  RefusedRequest,
  statusError,
  type ServerError,
} from './openai-failure.ts';

/** A server, and how far it is trusted. */
export interface Server {
  readonly baseUrl: string;
  /** Names it in errors. */
  readonly where: string;
  /** The key that is sent to it, if any. */
  readonly secret?: string;
  /** How long it may send nothing, in milliseconds. */
  readonly idle: number;
}

/** The bounds of one attempt. */
export interface Bounds {
  /** Ends it, with a {@link QuernError} for a reason. */
  readonly signal: AbortSignal;
  readonly mostBytes: number;
  /** Whether all that matters has come, so that nobody waits long for the connection's end. */
  readonly isWhole?: () => boolean;
}

/** A request by the client. */
export type Ask = (client: OpenAI, options: { signal: AbortSignal }) => { asResponse(): Promise<Response> };

const MOST_ERROR_BYTES = 64 * 1024;

/** How long the end of a whole reply is waited for, in milliseconds. */
const LAST_IDLE = 1000;

/** Statuses whose replies have no body. */
const BARE = new Set([204, 205, 304]);

/**
 * One request and its reply: the JSON values of a stream of server-sent events, or the one of a JSON reply.
 *
 * The client is given neither the key nor a say in headers (it would take some from `OPENAI_*` variables): the `fetch` it
 * is handed sends those that are needed. Throws `signal`'s reason once that is aborted, {@link RefusedRequest} for an error
 * that the server tells, `NETWORK`, `TIMEOUT` or `BAD_REPLY`.
 */
export async function* exchange(
  server: Server,
  ask: Ask,
  bounds: Bounds,
): AsyncGenerator<unknown, void, undefined> {
  const { signal } = bounds;
  const attempt = new AbortController();
  const stop = (): void => attempt.abort(signal.reason);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const guard = new Guard(server, attempt, bounds);
  try {
    const { OpenAI, Stream } = await client();
    const openai = new OpenAI({
      baseURL: server.baseUrl,
      apiKey: 'unused',
      adminAPIKey: null,
      organization: null,
      project: null,
      webhookSecret: null,
      logLevel: 'off',
      maxRetries: 0,
      fetch: (url, init) => guard.fetch(String(url), init ?? {}),
    });
    const response = await ask(openai, { signal: attempt.signal }).asResponse();
    if (response.body === null) throw unusable(server, 'it has no content');
    const type = response.headers.get('content-type') ?? '';
    if (/\bjson\b/i.test(type)) yield withoutError(parsed(await response.text(), server), server);
    else if (/\bhtml\b/i.test(type))
      throw unusable(server, 'it is a web page', 'The base URL usually ends in /v1');
    else yield* Stream.fromSSEResponse<unknown>(response, attempt, openai);
    // An aborted stream ends as if it were whole.
    attempt.signal.throwIfAborted();
  } catch (error) {
    throw guard.failure ?? stopped(attempt.signal) ?? replyError(error, server);
  } finally {
    signal.removeEventListener('abort', stop);
    attempt.abort();
  }
}

async function client(): Promise<{
  OpenAI: typeof import('openai').OpenAI;
  Stream: typeof import('openai/core/streaming').Stream;
}> {
  try {
    const [{ OpenAI: Client }, { Stream }] = await Promise.all([
      import('openai'),
      import('openai/core/streaming'),
    ]);
    return { OpenAI: Client, Stream };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new QuernError('MISSING_PACKAGE', 'the package openai is not installed', {
      hint: 'npm install openai',
    });
  }
}

/** What watches over one attempt: its silence, its size, its redirections; and keeps what went wrong as it was. */
class Guard {
  failure?: Error;
  readonly #server: Server;
  readonly #attempt: AbortController;
  readonly #bounds: Bounds;

  constructor(server: Server, attempt: AbortController, bounds: Bounds) {
    this.#server = server;
    this.#attempt = attempt;
    this.#bounds = bounds;
  }

  async fetch(url: string, { method, body, signal }: RequestInit): Promise<Response> {
    const { secret } = this.#server;
    const headers = new Headers({
      accept: 'text/event-stream, application/json',
      'content-type': 'application/json',
      'user-agent': 'quern',
    });
    if (secret !== undefined) headers.set('authorization', `Bearer ${secret}`);
    const response = await this.#watched(
      fetch(url, { method, body, signal, headers, redirect: 'manual' }),
      'cannot reach the server',
    );
    const { status } = response;
    const bytes = response.body && !BARE.has(status) ? this.#bytes(response.body, response.ok) : null;
    const guarded = new Response(bytes as ConstructorParameters<typeof Response>[0], {
      status,
      headers: response.headers,
    });
    if (response.ok) return guarded;
    throw (this.failure = new RefusedRequest(
      statusError(status, response.headers, await guarded.text(), secret),
    ));
  }

  async *#bytes(body: ReadableStream<Uint8Array>, isReply: boolean): AsyncGenerator<Uint8Array> {
    const reader = body.getReader();
    const { mostBytes } = this.#bounds;
    let left = isReply ? mostBytes : MOST_ERROR_BYTES;
    try {
      for (;;) {
        const { done, value } = await this.#watched(reader.read(), 'the connection broke off');
        if (done) return;
        left -= value.length;
        if (left < 0 && !isReply) return;
        if (left < 0) {
          throw (this.failure = unusable(this.#server, `it is larger than ${mostBytes} bytes`));
        }
        yield value;
      }
    } finally {
      reader.cancel().catch(() => undefined);
    }
  }

  /** What `work` resolves to, while the server may be silent for so long; keeps the reason of a failure. */
  async #watched<T>(work: Promise<T>, what: string): Promise<T> {
    const { where } = this.#server;
    const idle = this.#bounds.isWhole?.() ? Math.min(this.#server.idle, LAST_IDLE) : this.#server.idle;
    const timer = setTimeout(() => {
      this.#attempt.abort(
        new QuernError('TIMEOUT', `the server sent nothing for ${idle / 1000} s`, {
          where,
          hint: 'Raise timeout in the configuration if it needs longer',
        }),
      );
    }, idle);
    try {
      return await work;
    } catch (error) {
      this.failure = stopped(this.#attempt.signal) ?? connectionFailure(error, where, what);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Why an attempt was stopped; undefined where it was not, or only because nobody reads it any more. */
function stopped(signal: AbortSignal): QuernError | undefined {
  return signal.reason instanceof QuernError ? signal.reason : undefined;
}

function replyError(error: unknown, server: Server): unknown {
  if (error instanceof QuernError || error instanceof RefusedRequest) return error;
  if (error instanceof SyntaxError) return unusable(server, 'a chunk is not valid JSON');
  const told = (error as { error?: unknown }).error;
  return told === undefined ? error : new RefusedRequest(streamedError(told, server));
}

function withoutError(reply: unknown, server: Server): unknown {
  const told = (reply as { error?: unknown } | null)?.error;
  if (told) throw new RefusedRequest(streamedError(told, server));
  return reply;
}

function streamedError(told: unknown, { secret }: Server): ServerError {
  return errorObject(told, secret);
}

function parsed(text: string, server: Server): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unusable(server, 'it is not valid JSON');
  }
}

function unusable({ where }: Server, what: string, hint?: string): QuernError {
  return new QuernError('BAD_REPLY', `the reply cannot be used: ${what}`, { where, hint });
}
