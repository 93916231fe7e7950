import { orAborted, QuernError, throwIfAborted } from '../errors.ts';
import type { Failure, ReasonedQuery, ReasonOptions, Reasoner } from './reasoner.ts';

/** How {@link BoundedReasoner} bounds another. */
export interface Bounds {
  /** Milliseconds that one call may take, loading of the model included. Without one it takes its time. */
  readonly deadline?: number;
  /** Throw what went wrong instead of leaving the query as it is. Default false. */
  readonly strict?: boolean;
}

/**
 * A reasoner that ends in time and never spoils a query: where the inner one fails, takes longer than the deadline or
 * yields no word, the reasoned query is empty with `finish: 'failed'` and the reason, so that the query stands alone.
 * Wrong usage and the caller's own abort are thrown all the same.
 */
export class BoundedReasoner implements Reasoner {
  readonly #inner: Reasoner;
  readonly #deadline: number | undefined;
  readonly #strict: boolean;

  constructor(inner: Reasoner, { deadline, strict = false }: Bounds = {}) {
    if (deadline !== undefined && !(deadline > 0)) {
      throw new QuernError('USAGE', `a deadline is a positive number of milliseconds, not ${deadline}`);
    }
    this.#inner = inner;
    this.#deadline = deadline;
    this.#strict = strict;
  }

  get id(): string {
    return this.#inner.id;
  }

  get parallel(): number | undefined {
    return this.#inner.parallel;
  }

  get cacheKey(): Reasoner['cacheKey'] {
    return this.#inner.cacheKey?.bind(this.#inner);
  }

  /** Whether the inner reasoner can tell its text piece by piece. */
  get streams(): boolean {
    return this.#inner.stream !== undefined;
  }

  async reason(query: string, options: ReasonOptions = {}): Promise<ReasonedQuery> {
    const started = performance.now();
    const watch = new Watch(this.#deadline, options.signal);
    try {
      const reasoned = await watch.first(this.#inner.reason(query, { ...options, signal: watch.signal }));
      return usable(reasoned);
    } catch (error) {
      return this.#failed(query, started, watch.reasonFor(error), options.signal);
    } finally {
      watch.stop();
    }
  }

  async *stream(
    query: string,
    options: ReasonOptions = {},
  ): AsyncGenerator<string, ReasonedQuery, undefined> {
    const started = performance.now();
    const watch = new Watch(this.#deadline, options.signal);
    const inner = { ...options, signal: watch.signal };
    const pieces = this.#inner.stream?.(query, inner) ?? wholeText(this.#inner, query, inner);
    try {
      for (;;) {
        const next = await watch.first(pieces.next());
        if (next.done === true) return usable(next.value);
        yield next.value;
      }
    } catch (error) {
      return this.#failed(query, started, watch.reasonFor(error), options.signal);
    } finally {
      watch.stop();
      // Whoever stops listening ends the generation; it may still be busy, and nobody waits for that.
      pieces.return(undefined as never).catch(() => undefined);
    }
  }

  /** What goes wrong then is told by the calls that follow, unless it is to be strict. */
  async ready(options: Pick<ReasonOptions, 'signal'> = {}): Promise<void> {
    try {
      await this.#inner.ready?.(options);
    } catch (error) {
      this.#throwUnlessOpen(error, options.signal);
    }
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #throwUnlessOpen(error: unknown, signal: AbortSignal | undefined): void {
    throwIfAborted(signal);
    if (this.#strict || isOfTheCaller(error)) throw error;
  }

  #failed(query: string, started: number, error: unknown, signal: AbortSignal | undefined): ReasonedQuery {
    this.#throwUnlessOpen(error, signal);
    return {
      query,
      text: '',
      reasoner: this.id,
      finish: 'failed',
      promptTokens: 0,
      completionTokens: 0,
      milliseconds: performance.now() - started,
      cached: false,
      failure: failureOf(error),
    };
  }
}

/** What {@link Failure} says of an error. */
export function failureOf(error: unknown): Failure {
  if (error instanceof QuernError) return { code: error.code, message: error.message };
  return { code: 'BAD_REPLY', message: error instanceof Error ? error.message : String(error) };
}

/** Whether a reasoned query holds a word, or says that it has nothing to add: term weights, or being skipped, do. */
function usable(reasoned: ReasonedQuery): ReasonedQuery {
  if (reasoned.finish === 'skipped' || reasoned.weights || /[\p{L}\p{N}]/u.test(reasoned.text))
    return reasoned;
  if (reasoned.finish === 'failed') return reasoned;
  throw new QuernError('BAD_REPLY', `${reasoned.reasoner} yields a reasoned query without a word in it`);
}

function isOfTheCaller(error: unknown): boolean {
  return error instanceof QuernError && (error.code === 'USAGE' || error.code === 'ABORTED');
}

/** The text of a reasoner that does not stream, in one piece. */
async function* wholeText(
  reasoner: Reasoner,
  query: string,
  options: ReasonOptions,
): AsyncGenerator<string, ReasonedQuery, undefined> {
  const reasoned = await reasoner.reason(query, options);
  if (reasoned.text !== '') yield reasoned.text;
  return reasoned;
}

/** One call's time: a signal that the deadline and the caller abort, and promises that end with it. */
class Watch {
  readonly #controller = new AbortController();
  readonly #deadline: number | undefined;
  readonly #outer: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  #isLate = false;

  constructor(deadline: number | undefined, outer: AbortSignal | undefined) {
    this.#deadline = deadline;
    this.#outer = outer;
    if (outer?.aborted) this.#abort();
    outer?.addEventListener('abort', this.#abort);
    if (deadline === undefined) return;
    this.#timer = setTimeout(() => {
      this.#isLate = true;
      this.#controller.abort();
    }, deadline);
  }

  readonly #abort = (): void => this.#controller.abort();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What `work` resolves to; rejects as soon as time is up, whether or not `work` heeds the signal. */
  first<T>(work: Promise<T>): Promise<T> {
    return orAborted(work, this.signal);
  }

  /** What really went wrong: after the deadline, that. */
  reasonFor(error: unknown): unknown {
    if (!this.#isLate || this.#outer?.aborted) return error;
    return new QuernError('TIMEOUT', `no reasoned query within ${this.#deadline} ms`, {
      hint: 'Give it a longer deadline, or a smaller model',
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#abort);
    this.#controller.abort();
  }
}
