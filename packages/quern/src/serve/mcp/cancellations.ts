/** A request of a client by which its cancellation finds it. */
export interface CancellableRequest {
  /** The name of the token that was shown; undefined where none is asked for. */
  readonly token: string | undefined;
  /** What the client sends as `Mcp-Session-Id`. */
  readonly session: string;
  readonly id: string | number;
}

/**
 * The requests under way that another request can cancel: those with the same token, session and id. Nothing is kept of a session
 * that has none under way.
 */
export class Cancellations {
  readonly #cancels = new Map<string, () => void>();

  /** Keeps what cancels a request until what is returned is called. */
  add(request: CancellableRequest, cancel: () => void): () => void {
    const key = keyOf(request);
    this.#cancels.set(key, cancel);
    return () => {
      if (this.#cancels.get(key) === cancel) this.#cancels.delete(key);
    };
  }

  /** Cancels a request, if it is under way. */
  cancel(request: CancellableRequest): void {
    this.#cancels.get(keyOf(request))?.();
  }

  /** Cancels all requests of a session. */
  end({ token, session }: Omit<CancellableRequest, 'id'>): void {
    const prefix = sessionKey(token, session);
    for (const [key, cancel] of this.#cancels) if (key.startsWith(prefix)) cancel();
  }

  get size(): number {
    return this.#cancels.size;
  }
}

function keyOf({ token, session, id }: CancellableRequest): string {
  return `${sessionKey(token, session)}${JSON.stringify(id)}`;
}

function sessionKey(token: string | undefined, session: string): string {
  return `${JSON.stringify([token ?? null, session])} `;
}
