/** One request to a reward server, and what it answers. */
import * as z from 'zod';
import { QuernError, type QuernErrorCode, type QuernErrorDetails } from '../errors.ts';
import { connectionFailure, printable } from '../models/openai/openai-failure.ts';
import { retryAfter } from '../retry-after.ts';

/** A reward server, and what it is shown. */
export interface RemoteServer {
  /** Its address as it was given, for errors. */
  readonly where: string;
  /** What its routes come after, without a slash at its end, e.g. `http://127.0.0.1:8700`. */
  readonly base: string;
  readonly token?: string;
  /** How long an answer may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** What is asked, and how long an answer may be. */
export interface RemoteRequest {
  /** E.g. `/v1/rewards`. */
  readonly route: string;
  /** JSON that is posted. Default: nothing; the route is read. */
  readonly body?: string;
  readonly mostBytes: number;
}

/** What is known of a request that failed, beside the error. */
interface Failure extends QuernErrorDetails {
  /** Whether the same request may be answered later. */
  readonly mayPass?: boolean;
  readonly status?: number;
  /** How long the server asks to wait, in milliseconds. */
  readonly askedWait?: number;
}

/** A request that failed. */
export class FailedRequest extends QuernError {
  readonly mayPass: boolean;
  readonly status?: number;
  readonly askedWait?: number;

  constructor(
    code: QuernErrorCode,
    what: string,
    { mayPass = false, status, askedWait, ...details }: Failure,
  ) {
    super(code, what, details);
    this.mayPass = mayPass;
    this.status = status;
    this.askedWait = askedWait;
  }
}

const mostErrorBytes = 64 * 1024;

/** What a Quern server answers with where it does not do what was asked. */
const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    where: z.string().optional(),
    hint: z.string().optional(),
  }),
});

/**
 * The text that a server answers a request with. Redirections are not followed, so that what is sent, a token too, goes nowhere
 * but to the server that was named. Throws {@link FailedRequest}, and the signal's reason once that is aborted.
 */
export async function exchange(
  server: RemoteServer,
  { route, body, mostBytes }: RemoteRequest,
  signal: AbortSignal,
): Promise<string> {
  const { where, base, token, timeoutMs } = server;
  const attempt = new AbortController();
  const stop = (): void => attempt.abort(signal.reason);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const timer = setTimeout(() => attempt.abort(late(server)), timeoutMs);
  try {
    const headers = new Headers({ accept: 'application/json', 'user-agent': 'quern' });
    if (body !== undefined) headers.set('content-type', 'application/json');
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    const method = body === undefined ? 'GET' : 'POST';
    const request = { method, body, headers, redirect: 'manual', signal: attempt.signal } as const;
    const response = await fetch(base + route, request);
    if (!response.ok) throw refusal(server, response, (await startOf(response, mostErrorBytes)).text);
    const { text, isWhole } = await startOf(response, mostBytes);
    if (isWhole) return text;
    throw new FailedRequest('BAD_REPLY', `the answer is larger than ${mostBytes} bytes`, { where, hint });
  } catch (error) {
    attempt.signal.throwIfAborted();
    if (error instanceof FailedRequest) throw error;
    const { what, hint: advice } = connectionFailure(error, where, 'the server cannot be reached');
    throw new FailedRequest('NETWORK', what, { where, hint: advice, mayPass: true });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    attempt.abort();
  }
}

/** What to do about an answer that no reward server gives. */
export const hint = 'Give the address of quern reward serve, e.g. http://127.0.0.1:8700';

function late({ where, timeoutMs }: RemoteServer): FailedRequest {
  return new FailedRequest('NETWORK', `there was no whole answer within ${timeoutMs / 1000} s`, {
    where,
    hint: 'Is the server up to so many completions? Give it more time, or a faster reward',
    mayPass: true,
  });
}

/** The text of an answer, or so many bytes of it. */
async function startOf(
  response: Response,
  mostBytes: number,
): Promise<{ readonly text: string; readonly isWhole: boolean }> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > mostBytes) break;
  }
  const text = Buffer.concat(chunks).subarray(0, mostBytes).toString('utf8');
  return { text, isWhole: bytes <= mostBytes };
}

/** What an answer that is no success says. */
function refusal({ where, token }: RemoteServer, { status, headers }: Response, body: string): FailedRequest {
  const told = toldBy(body, token);
  const what = `the server answers ${status}${told.text === '' ? '' : `: ${told.text}`}`;
  const failed = (code: QuernErrorCode, usual: string, more: Failure = {}): FailedRequest =>
    new FailedRequest(code, what, { where, hint: told.hint ?? usual, status, ...more });
  const askedWait = retryAfter(headers, Date.now());
  switch (status) {
    case 401:
    case 403:
      return failed('DENIED', '', {
        hint:
          token === undefined
            ? "Put the server's token into the environment variable QUERN_TOKEN"
            : 'The token that was sent, by default the one in QUERN_TOKEN, is not the one of the server',
      });
    case 429:
    case 503:
      return failed('OVERLOADED', 'Try again when it has less to do', { askedWait, mayPass: true });
    case 408:
    case 502:
    case 504:
      return failed('NETWORK', 'Is the server running, and is this its URL?', { askedWait, mayPass: true });
    case 413:
      return failed('BAD_INPUT', 'Start the server with a larger --body-limit');
  }
  if (status >= 300 && status < 400) {
    return failed(
      'BAD_REPLY',
      'It is a redirection, which is not followed: give the address that it leads to',
    );
  }
  return failed(told.code === 'BAD_INPUT' ? 'BAD_INPUT' : 'BAD_REPLY', hint);
}

/** What the body of such an answer tells, each safe to print. */
function toldBy(
  body: string,
  token: string | undefined,
): { readonly text: string; readonly hint?: string; readonly code?: string } {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { text: body.trimStart().startsWith('<') ? 'a page' : printable(body, token) };
  }
  const { success, data } = errorSchema.safeParse(value);
  if (!success) return { text: printable(body, token) };
  const { code, message, where, hint: advice } = data.error;
  return {
    text: printable(where === undefined ? message : `${where}: ${message}`, token),
    ...(advice !== undefined && { hint: printable(advice, token) }),
    code,
  };
}
