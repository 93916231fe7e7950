/**
 * One GET to the hub. Redirects are followed by hand: the token goes to the hub's own origin only, never to the hosts
 * of the content, which the hub redirects to with addresses that are signed. Those are secrets too, so errors name hosts.
 */
import { QuernError, throwIfAborted } from '../../errors.ts';
import { PassingFailure } from './hub-retry.ts';

/** The hub, and with what it is asked. */
export interface HubConnection {
  readonly endpoint: URL;
  readonly token?: string;
  /** Without a byte for so many milliseconds, a connection counts as broken. */
  readonly stall: number;
  readonly signal?: AbortSignal;
}

/** What a server answered. Either its chunks are read to their end, or it is discarded. */
export interface HubReply {
  readonly status: number;
  readonly headers: Headers;
  /** Who answered. */
  readonly host: string;
  /** Whether that is the hub itself, which gets the token. */
  readonly isHub: boolean;
  /** The content as it comes. Throws {@link PassingFailure} where it breaks off or stalls, and `ABORTED`. */
  chunks(): AsyncGenerator<Uint8Array>;
  discard(): Promise<void>;
}

/** An address of the hub: `path`, whose parts are encoded, below its endpoint. */
export function hubUrl(endpoint: URL, path: string): URL {
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${path}`;
  return url;
}

const mostRedirects = 5;

/**
 * Asks for `url`, which is the hub's, and follows redirects. Throws {@link PassingFailure} when nobody answers in time
 * or the connection breaks, `NETWORK` for a certificate that is not trusted, `BAD_REPLY` for redirects that are too many
 * or lead to where none may follow, and `ABORTED`.
 */
export async function hubGet(
  connection: HubConnection,
  url: URL,
  headers: Readonly<Record<string, string>> = {},
): Promise<HubReply> {
  let target = url;
  for (let redirects = 0; ; redirects++) {
    const reply = await getOnce(connection, target, headers);
    if (![301, 302, 303, 307, 308].includes(reply.status)) return reply;
    await reply.discard();
    if (redirects === mostRedirects) throw misled(reply.host, `redirects more than ${mostRedirects} times`);
    target = redirected(connection.endpoint, target, reply.headers.get('location'));
  }
}

function redirected(endpoint: URL, from: URL, location: string | null): URL {
  if (location === null || !URL.canParse(location, from.href))
    throw misled(from.host, 'redirects to no address');
  const to = new URL(location, from);
  const isPlain = to.protocol === 'http:';
  if (!isPlain && to.protocol !== 'https:') throw misled(from.host, `redirects to ${to.protocol}`);
  if (isPlain && endpoint.protocol !== 'http:') {
    throw misled(from.host, `redirects from https to http, at ${to.host}`);
  }
  if (to.username + to.password !== '') throw misled(from.host, 'redirects to an address with a password');
  return to;
}

function misled(host: string, what: string): QuernError {
  return new QuernError('BAD_REPLY', `${host} ${what}`, {
    hint: 'Check HF_ENDPOINT, and whether a proxy or a login page stands between',
  });
}

async function getOnce(
  { endpoint, token, stall, signal }: HubConnection,
  url: URL,
  headers: Readonly<Record<string, string>>,
): Promise<HubReply> {
  throwIfAborted(signal);
  const isHub = url.origin === endpoint.origin;
  const watch = new StallWatch(stall, signal);
  let response: Response;
  try {
    response = await watch.during(
      fetch(url, {
        redirect: 'manual',
        signal: watch.signal,
        headers: {
          ...headers,
          // A range and a size are of the file as it is.
          'accept-encoding': 'identity',
          'user-agent': 'quern',
          ...(isHub && token !== undefined ? { authorization: `Bearer ${token}` } : {}),
        },
      }),
    );
  } catch (error) {
    watch.end();
    throw broken(error, url.host, watch, signal);
  }
  const discard = async (): Promise<void> => {
    watch.end();
    await response.body?.cancel().catch(() => undefined);
  };
  const { status, headers: replied } = response;
  return { status, headers: replied, host: url.host, isHub, discard, chunks };

  async function* chunks(): AsyncGenerator<Uint8Array> {
    const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader();
    try {
      for (;;) {
        // The time that the receiver takes over a chunk is not the server's.
        const part = reader && (await watch.during(reader.read()));
        if (!part?.value) return;
        yield part.value;
      }
    } catch (error) {
      throw broken(error, url.host, watch, signal);
    } finally {
      watch.end();
      await reader?.cancel().catch(() => undefined);
    }
  }
}

/** Aborts what it watches when that takes too long, or when it is told to. */
class StallWatch {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #stop = (): void => this.#controller.abort();
  readonly milliseconds: number;
  isStalled = false;

  constructor(milliseconds: number, outer: AbortSignal | undefined) {
    this.milliseconds = milliseconds;
    this.#outer = outer;
    outer?.addEventListener('abort', this.#stop);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async during<T>(work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.isStalled = true;
      this.#controller.abort();
    }, this.milliseconds);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }

  end(): void {
    this.#outer?.removeEventListener('abort', this.#stop);
  }
}

const untrusted = /^(CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

function broken(error: unknown, host: string, watch: StallWatch, signal: AbortSignal | undefined): Error {
  throwIfAborted(signal);
  if (watch.isStalled) {
    return new PassingFailure(`${host} sent nothing for ${watch.milliseconds / 1000} s`, { cause: error });
  }
  // Whatever is not of the connection is a defect of ours, and must not look like one of it.
  if (!(error instanceof TypeError) || !(error.cause instanceof Error)) return error as Error;
  const code = systemCode(error.cause) ?? error.cause.message;
  if (untrusted.test(code)) {
    return new QuernError('NETWORK', `the certificate of ${host} is not trusted (${code})`, {
      hint: 'Behind a proxy that has its own certificates, name them in NODE_EXTRA_CA_CERTS',
      cause: error,
    });
  }
  const what = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH'].includes(code)
    ? 'cannot be reached'
    : 'broke the connection off';
  return new PassingFailure(`${host} ${what} (${code})`, { cause: error });
}

/** The system's or the HTTP client's word for what went wrong, which `fetch` hides in its causes. */
function systemCode(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, errors } = cause as NodeJS.ErrnoException & { errors?: unknown[] };
    if (typeof code === 'string') return code;
    if (errors?.[0] instanceof Error) return systemCode(errors[0]);
  }
  return undefined;
}
