import { QuernError, type QuernErrorCode } from '../errors.ts';
import { oneLine } from '../one-line.ts';

/** What is read of an error of the client: its own classes differ by name, and `meta` may hold headers, so it is not kept. */
interface ClientError extends Error {
  readonly meta?: {
    readonly statusCode?: number | null;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, unknown>> | null;
  };
}

/** A request that failed: its error, and whether asking again may help. */
export interface Failure {
  readonly error: QuernError;
  /** The status of the reply; absent where there was none. */
  readonly status?: number;
  /** The type that OpenSearch gives its error, such as `index_not_found_exception`. */
  readonly type?: string;
  /** Whether it may pass by itself. */
  readonly passes: boolean;
  /** The milliseconds that the server asks to wait. */
  readonly wait?: number;
}

/** What OpenSearch says of an error. */
export interface ServerError {
  readonly type?: string;
  readonly reason?: string;
}

/** The failure that an error of the client means; undefined where it is none of the client's. */
export function failureOf(error: unknown, name: string): Failure | undefined {
  if (!(error instanceof Error)) return undefined;
  const { meta } = error as ClientError;
  switch (error.name) {
    case 'ConnectionError':
    case 'NoLivingConnectionsError': {
      const what = `no node of the cluster can be reached (${oneLine(error.message, 200)})`;
      return { passes: true, error: failed('NETWORK', what, name, 'Is it running, and is the URL right?') };
    }
    case 'TimeoutError':
      return { passes: true, error: failed('TIMEOUT', 'the cluster has not answered in time', name) };
    case 'RequestAbortedError':
      return { passes: false, error: failed('ABORTED', 'stopped on request', name) };
    case 'DeserializationError':
    case 'NotCompatibleError':
      return { passes: false, error: failed('BAD_REPLY', 'the reply is not OpenSearch’s', name) };
    case 'ResponseError':
      return ofStatus(meta?.statusCode ?? 0, serverError(meta?.body), name, waitAsked(meta?.headers));
    default:
      return undefined;
  }
}

/** The failure that a reply's status means, for a request or for one item of a bulk request. */
export function ofStatus(
  status: number,
  { type, reason }: ServerError,
  name: string,
  wait?: number,
): Failure {
  const said = type === undefined ? '' : ` (${oneLine(`${type}: ${reason ?? ''}`, 300)})`;
  const facts = { status, ...(type !== undefined && { type }), ...(wait !== undefined && { wait }) };
  const make = (code: QuernErrorCode, what: string, hint?: string): QuernError =>
    failed(code, what + said, name, hint);
  if (status === 401 || status === 403) {
    const what = status === 401 ? 'the cluster does not know this user' : 'this user has no right to it';
    const how =
      'Put the user and the password into the URL, or into OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD';
    return { ...facts, passes: false, error: make('DENIED', what, how) };
  }
  // A node that goes takes with it what a search has on it, and its neighbours say that they cannot find that.
  const isGone = status === 404 && type === 'search_context_missing_exception';
  if (status === 404 && !isGone) {
    return { ...facts, passes: false, error: make('NOT_FOUND', 'there is no such index') };
  }
  if (status === 429) {
    return { ...facts, passes: true, error: make('OVERLOADED', 'the cluster takes no more for now') };
  }
  // Where a node goes while it is asked, its neighbour may say 500 of it.
  if (status === 408 || status >= 500 || isGone) {
    return { ...facts, passes: true, error: make('NETWORK', `the cluster answers with status ${status}`) };
  }
  return {
    ...facts,
    passes: false,
    error: make('BAD_REPLY', `the cluster refuses it with status ${status}`),
  };
}

function failed(code: QuernErrorCode, what: string, where: string, hint?: string): QuernError {
  return new QuernError(code, what, { where, ...(hint !== undefined && { hint }) });
}

function serverError(body: unknown): ServerError {
  const error = (body as { error?: unknown } | null | undefined)?.error;
  if (typeof error === 'string') return { type: error };
  if (typeof error !== 'object' || error === null) return {};
  const {
    type,
    reason,
    root_cause: causes,
  } = error as ServerError & {
    root_cause?: readonly ServerError[];
  };
  const [first] = Array.isArray(causes) ? causes : [];
  return first?.type !== undefined ? { type: first.type, reason: first.reason ?? reason } : { type, reason };
}

function waitAsked(headers: Readonly<Record<string, unknown>> | null | undefined): number | undefined {
  const text = headers?.['retry-after'];
  return typeof text === 'string' && /^\d+$/.test(text) ? Number(text) * 1000 : undefined;
}
