import { QuernError, type QuernErrorCode, type QuernErrorDetails } from '../../errors.ts';
import type { ServerKey } from './openai-key.ts';
import { retryAfter } from '../../retry-after.ts';

/** What a server says is wrong, by a status or by an error object in its reply. */
export interface ServerError {
  /** Of HTTP, or the one that an error object names; undefined where it names none. */
  readonly status?: number;
  /** Safe to print: one line, at most 300 characters, without the key. */
  readonly message: string;
  /** The error's code and type, as one text. */
  readonly kind: string;
  /** Fields of the request that it points at. */
  readonly fields: readonly string[];
  /** How long it asks to wait, in milliseconds. */
  readonly retryAfter?: number;
  /** Whether it says itself that trying again helps. */
  readonly shouldRetry?: boolean;
}

/** Thrown where a server is asked, and turned into a {@link QuernError} before a caller sees it. */
export class RefusedRequest extends Error {
  readonly error: ServerError;

  constructor(error: ServerError) {
    super(error.message);
    this.error = error;
  }
}

/** What callers see of what a server tells. */
export class Refusal extends QuernError {
  /** Where nothing prints it: it can hold what a server made of the request. */
  readonly #told: ServerError;

  constructor(told: ServerError, code: QuernErrorCode, what: string, details: QuernErrorDetails) {
    super(code, what, details);
    this.#told = told;
  }

  get told(): ServerError {
    return this.#told;
  }
}

/** A reply that is whole and well formed and has nothing to be used: another server would hardly say more. */
export class BarrenReply extends QuernError {
  constructor(what: string, details: QuernErrorDetails) {
    super('BAD_REPLY', what, details);
  }
}

/** What a reply of a status that is not a success says. Servers differ: OpenAI, FastAPI, Ollama, vLLM, plain text. */
export function statusError(status: number, headers: Headers, body: string, secret?: string): ServerError {
  let parsed: unknown = body;
  try {
    parsed = JSON.parse(body);
  } catch {
    // It is not JSON: the text is the message, unless it is a page.
    if (/^\s*</.test(body)) parsed = 'it answers with a page';
  }
  const told = headers.get('x-should-retry');
  return {
    ...errorObject(isRecord(parsed) && parsed.error ? parsed.error : parsed, secret),
    status,
    retryAfter: retryAfter(headers, Date.now()),
    shouldRetry: told === 'true' ? true : told === 'false' ? false : undefined,
  };
}

/** What an error object says: `{message, type, param, code}`, FastAPI's `{detail: [{loc, msg}]}`, or a text. */
export function errorObject(error: unknown, secret?: string): ServerError {
  const object = isRecord(error) ? error : {};
  const details = Array.isArray(object.detail) ? object.detail.filter(isRecord) : [];
  const message =
    [error, object.message, object.detail, details.map(({ msg }) => word(msg)).join('; ')]
      .map(word)
      .find((text) => text.trim() !== '') ?? '';
  const kinds = [object.code, object.type, ...details.map(({ type }) => type)].map(word);
  const paths = details.map(({ loc }) => (Array.isArray(loc) ? loc.at(-1) : undefined));
  const status = [object.code, object.status].map(word).find((code) => /^[45]\d\d$/.test(code));
  return {
    status: status === undefined ? undefined : Number(status),
    message: printable(message, secret),
    kind: printable(kinds.join(' '), secret),
    fields: [object.param, ...paths].map(word).filter((field) => field !== ''),
  };
}

/** A value that is a text or a number, as a text; anything else (its `toString` may be anything) is none. */
function word(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** A server's text on one line, at most 300 characters, without control characters and without the key. */
export function printable(text: string, secret?: string): string {
  const without = secret === undefined ? text : text.replaceAll(secret, '(the key)');
  const line = without
    .slice(0, 4096)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  const characters = [...line];
  return characters.length > 300 ? `${characters.slice(0, 299).join('')}…` : line;
}

/** Whether the same request, sent again later, may well be answered. */
export function isPassing({ status, kind, shouldRetry }: ServerError): boolean {
  if (shouldRetry !== undefined) return shouldRetry;
  if (/insufficient_quota|billing/.test(kind)) return false;
  return status === undefined || status === 408 || status === 409 || status === 429 || status >= 500;
}

/** The error that callers see. `model`, `key` and `route`, such as `/chat/completions`, are for its hints. */
export function refusal(
  told: ServerError,
  { where, model, key, route }: { where: string; model: string; key: ServerKey; route: string },
): Refusal {
  const { status, message, kind } = told;
  const said = message === '' ? '' : `: ${message}`;
  const answered = status === undefined ? 'the server sends an error' : `the server answers ${status}`;
  if (status === 401 || status === 403) {
    return new Refusal(told, 'DENIED', `${answered}${said}`, { where, hint: keyHint(key) });
  }
  if (/insufficient_quota|billing/.test(kind)) {
    return new Refusal(told, 'DENIED', `${answered}${said}`, {
      where,
      hint: `The account of the key in ${key.variable} has nothing left to spend`,
    });
  }
  if (status === 404) {
    return new Refusal(told, 'NOT_FOUND', `${answered}${said}`, {
      where,
      hint: `It knows no model ${JSON.stringify(model)}, or the base URL is not the one that ${route} comes after`,
    });
  }
  if (status !== undefined && status >= 300 && status < 400) {
    return new Refusal(told, 'BAD_REPLY', `${answered}, a redirection, which is not followed`, {
      where,
      hint: 'Name the URL that it leads to',
    });
  }
  return new Refusal(told, status === 408 ? 'TIMEOUT' : 'BAD_REPLY', answered + said, { where });
}

function keyHint({ variable, state }: ServerKey): string {
  if (state === 'sent') return `The key is the one in the environment variable ${variable}`;
  if (state === 'elsewhere') return keyElsewhere(variable);
  if (state === 'unset') {
    return `Put the key into the environment variable ${variable}, which is not set`;
  }
  return `${withheldKey(variable)}, e.g. keyVariable: ${variable}`;
}

/** Why a key is not sent, and what to do. */
export function withheldKey(variable: string): string {
  return (
    `The key in ${variable} is not sent unencrypted over a public network: ` +
    'take https, or name the variable as keyVariable in the configuration'
  );
}

/** Thrown where a connection fails. */
export class ConnectionFailure extends QuernError {
  /** The system's word for it, where it has one. */
  readonly system?: string;

  constructor(code: 'NETWORK' | 'TIMEOUT', what: string, details: QuernErrorDetails, system?: string) {
    super(code, what, details);
    this.system = system;
  }
}

/** Why a key is not sent to a server beside others, and what to do. */
export function keyElsewhere(variable: string): string {
  return (
    `The key in ${variable} is sent to where the first of the servers is, and not elsewhere: ` +
    'give this server a keyVariable of its own in the configuration'
  );
}

/** What a failed connection is called: `NETWORK`, with the system's word for it and nothing else of the error. */
export function connectionFailure(error: unknown, where: string, what: string): ConnectionFailure {
  const codes: string[] = [];
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { code, errors } = at as NodeJS.ErrnoException & { errors?: readonly unknown[] };
    for (const candidate of [code, ...(errors ?? []).map((one) => (one as NodeJS.ErrnoException).code)]) {
      if (typeof candidate === 'string' && /^[A-Z0-9_]{2,40}$/.test(candidate)) codes.push(candidate);
    }
  }
  // The only failure that says nothing but a message: fetch keeps to the ports that browsers allow.
  if (String((error as Error).cause).endsWith('bad port')) codes.push('a port that fetch does not allow');
  const why = codes[0] === undefined ? '' : ` (${codes[0]})`;
  const timedOut = /HEADERS_TIMEOUT|BODY_TIMEOUT/.test(codes[0] ?? '');
  const details = { where, hint: 'Is the server running, and is this its URL?' };
  return new ConnectionFailure(timedOut ? 'TIMEOUT' : 'NETWORK', `${what}${why}`, details, codes[0]);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
