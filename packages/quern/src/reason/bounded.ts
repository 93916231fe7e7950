import { orAborted, QuernError, throwIfAborted } from '../errors.ts';
import type { Failure, ReasonedQuery, ReasonOptions, Reasoner } from './reasoner.ts';
import { textPieces } from './text-pieces.ts';
import { isUsableText } from './usable-text.ts';
import { withoutText } from './without-text.ts';
import { WrappingReasoner } from './wrapping-reasoner.ts';

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
 * Wrong usage, the caller's own abort and a queue that takes no more are thrown all the same.
 */
export class BoundedReasoner extends WrappingReasoner {
  readonly #deadline: number | undefined;
  readonly #strict: boolean;

  constructor(inner: Reasoner, { deadline, strict = false }: Bounds = {}) {
    super(inner);
    if (deadline !== undefined && !(deadline > 0)) {
      throw new QuernError('USAGE', `a deadline is a positive number of milliseconds, not ${deadline}`);
    }
    this.#deadline = deadline;
    this.#strict = strict;
  }

  async reason(query: string, options: ReasonOptions = {}): Promise<ReasonedQuery> {
    const started = performance.now();
    const watch = new Watch(this.#deadline, options.signal);
    try {
      const reasoned = await watch.first(this.inner.reason(query, { ...options, signal: watch.signal }));
      return this.#usable(reasoned);
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
    const pieces = textPieces(this.inner, query, { ...options, signal: watch.signal });
    try {
      for (;;) {
        const next = await watch.first(pieces.next());
        if (next.done === true) return this.#usable(next.value);
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
  override async ready(options: Pick<ReasonOptions, 'signal'> = {}): Promise<void> {
    try {
      await this.inner.ready?.(options);
    } catch (error) {
      this.#throwUnlessOpen(error, options.signal);
    }
  }

  /** A reasoned query that holds a word, or says that it has nothing to add: term weights, or being skipped, do. */
  #usable(reasoned: ReasonedQuery): ReasonedQuery {
    const { finish, text, weights, reasoner } = reasoned;
    if (finish === 'skipped' || finish === 'failed' || weights || isUsableText(text)) return reasoned;
    const error = new QuernError('BAD_REPLY', 'the reasoned query has no word in it', { where: reasoner });
    if (this.#strict) throw error;
    // What it took was spent all the same.
    return { ...reasoned, text: '', finish: 'failed', failure: failureOf(error) };
  }

  #throwUnlessOpen(error: unknown, signal: AbortSignal | undefined): void {
    throwIfAborted(signal);
    if (this.#strict || isOfTheCaller(error)) throw error;
  }

  #failed(query: string, started: number, error: unknown, signal: AbortSignal | undefined): ReasonedQuery {
    this.#throwUnlessOpen(error, signal);
    const milliseconds = performance.now() - started;
    return withoutText(query, this.id, { finish: 'failed', failure: failureOf(error), milliseconds });
  }
}

/** What {@link Failure} says of an error. */
export function failureOf(error: unknown): Failure {
  if (error instanceof QuernError) return { code: error.code, message: error.message };
  return { code: 'BAD_REPLY', message: error instanceof Error ? error.message : String(error) };
}

function isOfTheCaller(error: unknown): boolean {
  return error instanceof QuernError && ['USAGE', 'ABORTED', 'OVERLOADED'].includes(error.code);
}

/** What a timer can wait, in milliseconds, which is 24 days: a longer deadline is none. */
const longestTimer = 2 ** 31 - 1;

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
    if (deadline === undefined || deadline > longestTimer) return;
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
