import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientRequest } from 'node:http';
import type { ApiResponse, Client, Connection } from '@opensearch-project/opensearch';
import { QuernError, throwIfAborted } from '../errors.ts';
import { retryWait } from '../models/openai/openai-retry.ts';
import { optionalPackage } from '../optional-package.ts';
import { openSearchAddress, type OpenSearchAddress } from './address.ts';
import { failureOf, type Failure } from './failure.ts';

/** How long a request may take, in milliseconds. */
const requestTimeout = 60_000;
/** How long what may pass by itself is asked again, in milliseconds. */
const defaultPatience = 15_000;

/** What a request of the client gives back: it can be broken off. */
type Pending = PromiseLike<ApiResponse> & { abort(): void };

/** How one request is made. */
export interface AskOptions {
  readonly signal?: AbortSignal;
  /** For how many milliseconds it is asked again where it fails by what may pass. Default 15 s; 0: not at all. */
  readonly patience?: number;
}

/** A cluster that can be asked. */
export class OpenSearchConnection {
  readonly address: OpenSearchAddress;
  readonly #client: Client;

  private constructor(address: OpenSearchAddress, client: Client) {
    this.address = address;
    this.#client = client;
  }

  /** Makes the client of a name `opensearch:INDEX@URL`; nothing is asked yet. Throws `USAGE` and `MISSING_PACKAGE`. */
  static async open(name: string): Promise<OpenSearchConnection> {
    const address = openSearchAddress(name);
    const opensearch = await optionalPackage(
      () => import('@opensearch-project/opensearch'),
      'the package @opensearch-project/opensearch, which asks clusters',
      'npm install @opensearch-project/opensearch',
    );
    const { user, password = '', urls } = address;
    const client = new opensearch.Client({
      Connection: quietConnection(opensearch.Connection),
      nodes: [...urls],
      // A node that cannot be reached is passed over: each is asked once, and one that is alone is asked twice.
      maxRetries: Math.max(1, urls.length),
      requestTimeout,
      ...(user !== undefined && { auth: { username: user, password } }),
    });
    return new OpenSearchConnection(address, client);
  }

  /**
   * The body of a reply. What may pass by itself (429, 502 to 504, a node that is gone) is asked again. Throws `NETWORK`, `TIMEOUT`,
   * `DENIED`, `NOT_FOUND`, `OVERLOADED`, `BAD_REPLY` or `ABORTED`.
   */
  async ask<T>(request: (client: Client) => unknown, options: AskOptions = {}): Promise<T> {
    const outcome = await this.try<T>(request, options);
    if ('error' in outcome) throw outcome.error;
    return outcome.body;
  }

  /** {@link ask}, but what the cluster refuses is returned. Throws `ABORTED`, and what is no failure of a request. */
  async try<T>(
    request: (client: Client) => unknown,
    { signal, patience = defaultPatience }: AskOptions = {},
  ): Promise<{ readonly body: T } | Failure> {
    const started = performance.now();
    for (let retries = 0; ; retries++) {
      throwIfAborted(signal);
      // The client's methods share no narrower type.
      const pending = request(this.#client) as Pending;
      // It gives back a promise; of one that a listener gives back and that fails, Node would make an uncaught error.
      const stop = (): void => {
        pending.abort();
      };
      signal?.addEventListener('abort', stop, { once: true });
      try {
        const { body } = await pending;
        return { body: body as T };
      } catch (error) {
        throwIfAborted(signal);
        const failure = failureOf(error, this.address.name);
        if (!failure) throw error;
        const isOver = performance.now() - started > patience;
        // Who cannot be reached at all is not waited for: that is what a wrong address looks like.
        if (!failure.passes || isOver || (failure.status === undefined && retries > 0)) return failure;
        await pause(retryWait(retries, Math.random, failure.wait), signal);
      } finally {
        signal?.removeEventListener('abort', stop);
      }
    }
  }

  /** Closes its connections. */
  async close(): Promise<void> {
    await this.#client.close();
  }
}

/**
 * The client's connections, without what they print on stdout where a connection breaks in the middle of a reply: that is told as
 * an error, and stdout is for results.
 */
function quietConnection(Base: typeof Connection): typeof Connection {
  return class extends Base {
    constructor(options?: ConstructorParameters<typeof Connection>[0]) {
      super(options);
      const make = this.makeRequest as (params: unknown) => ClientRequest;
      this.makeRequest = (params: unknown): ClientRequest => {
        const request = make(params);
        // The printing listener alone is added under this name.
        request.addListener = ((event: string, listener: () => void) =>
          request.on(event, event === 'error' ? () => undefined : listener)) as typeof request.addListener;
        return request;
      };
    }
  };
}

/** Waits; throws `ABORTED` when the signal is aborted meanwhile. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch {
    throw new QuernError('ABORTED', 'stopped on request');
  }
}
