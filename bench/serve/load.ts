import autocannon, { type Instance, type Request, type Result } from 'autocannon';

/** What a load came to. */
export interface LoadOutcome {
  /** Answers a second of each status. */
  readonly rates: ReadonlyMap<number, number>;
  /** Milliseconds from a request to its answer of 200, ascending. */
  readonly accepted: readonly number[];
  /** Requests without an answer. */
  readonly errors: number;
}

/** How much is asked. */
export interface LoadSettings {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly requests: readonly Request[];
  /** Requests a second over all connections; without it as many as are answered. */
  readonly rate?: number;
}

/** Asks a service for so many seconds. */
export async function load({
  url,
  connections,
  seconds,
  requests,
  rate,
}: LoadSettings): Promise<LoadOutcome> {
  const counts = new Map<number, number>();
  const accepted: number[] = [];
  const started = performance.now();
  // Its types have a promise or an emitter; it is both.
  const instance = autocannon({
    url,
    connections,
    duration: seconds,
    timeout: 30,
    requests: [...requests],
    ...(rate !== undefined && { overallRate: rate }),
  }) as Promise<Result> & Instance;
  instance.on('response', (_, status, __, milliseconds) => {
    counts.set(status, (counts.get(status) ?? 0) + 1);
    if (status === 200) accepted.push(milliseconds);
  });
  const { errors, timeouts } = await instance;
  const taken = (performance.now() - started) / 1000;
  accepted.sort((a, b) => a - b);
  return {
    rates: new Map(Array.from(counts, ([status, count]) => [status, count / taken])),
    accepted,
    errors: errors + timeouts,
  };
}

/** The value that a share of ascending ones lie at or below. */
export function percentile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.ceil(share * ascending.length) - 1)] ?? NaN;
}

/** A search as a request. */
export function searchRequest(body: object): Request {
  return {
    method: 'POST',
    path: '/v1/search',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
}
