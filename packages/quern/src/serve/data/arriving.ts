import { byteSize } from '../../byte-size.ts';
import { QuernError, throwIfAborted } from '../../errors.ts';

/** The least that bytes must come at. */
export interface LeastRate {
  readonly bytesPerSecond: number;
  /** Over how many seconds of waiting for them that is averaged. */
  readonly seconds: number;
}

/** How bytes are waited for. */
export interface ArrivingOptions {
  readonly signal?: AbortSignal;
  /** Default: they may take as long as they like. */
  readonly leastRate?: LeastRate;
}

const blockBytes = 1 << 16;

/**
 * Bytes in blocks of 64 KiB, whatever pieces they come in: a piece of one byte takes a hundred in memory. What is not asked for
 * is not read. Throws `ABORTED`, and `TIMEOUT` where they come more slowly than `leastRate`; the time in which nobody asks for
 * them does not count.
 */
export async function* arriving(
  pieces: AsyncIterable<Uint8Array>,
  { signal, leastRate }: ArrivingOptions = {},
): AsyncGenerator<Buffer, void> {
  const iterator = pieces[Symbol.asyncIterator]();
  const pace = leastRate && new Pace(leastRate);
  let block = Buffer.allocUnsafe(blockBytes);
  let filled = 0;
  try {
    for (;;) {
      throwIfAborted(signal);
      const next = await nextPiece(iterator, pace, signal);
      if (next.done) break;
      const piece = next.value;
      for (let from = 0; from < piece.length;) {
        const part = piece.subarray(from, from + blockBytes - filled);
        block.set(part, filled);
        filled += part.length;
        from += part.length;
        if (filled < blockBytes) continue;
        yield block;
        block = Buffer.allocUnsafe(blockBytes);
        filled = 0;
      }
    }
    if (filled > 0) yield block.subarray(0, filled);
  } finally {
    // One that waits for a client who sends nothing would not come to its end.
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

/** How fast bytes came so far. */
class Pace {
  readonly #rate: LeastRate;
  #waited = 0;
  #bytes = 0;

  constructor(rate: LeastRate) {
    this.#rate = rate;
  }

  /** Milliseconds that may be waited before the next look. */
  get left(): number {
    return Math.max(0, this.#rate.seconds * 1000 - this.#waited);
  }

  /** Counts what came within some milliseconds. Throws `TIMEOUT` where that is too little. */
  count(bytes: number, milliseconds: number): void {
    this.#bytes += bytes;
    this.#waited += milliseconds;
    const { bytesPerSecond, seconds } = this.#rate;
    // A timer may go off a little early.
    if (this.#waited < seconds * 1000 - 5) return;
    if (this.#bytes < (bytesPerSecond * this.#waited) / 1000) {
      throw new QuernError(
        'TIMEOUT',
        `less than ${byteSize(bytesPerSecond)} a second came for ${seconds} seconds`,
        {
          hint: 'Send it again, over a better connection',
        },
      );
    }
    this.#bytes = 0;
    this.#waited = 0;
  }
}

/** The next piece, once it is there. The iterator is asked for one only, however often the pace is looked at meanwhile. */
async function nextPiece(
  iterator: AsyncIterator<Uint8Array>,
  pace: Pace | undefined,
  signal: AbortSignal | undefined,
): Promise<IteratorResult<Uint8Array>> {
  const coming = iterator.next();
  for (;;) {
    const begun = performance.now();
    const next = await firstOf(coming, pace?.left, signal);
    const milliseconds = performance.now() - begun;
    if (next?.done) return next;
    pace?.count(next?.value.length ?? 0, milliseconds);
    if (next) return next;
  }
}

/** What `coming` resolves to; undefined once so many milliseconds are over. Throws `ABORTED`. */
function firstOf<T>(
  coming: Promise<T>,
  milliseconds: number | undefined,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = milliseconds === undefined ? undefined : setTimeout(() => resolve(undefined), milliseconds);
    const ended = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    };
    const stop = (): void => {
      // What comes may be waited for by nobody for long, and a timer would hold up the end of the process.
      ended();
      reject(new QuernError('ABORTED', 'stopped on request'));
    };
    signal?.addEventListener('abort', stop, { once: true });
    coming.finally(ended).then(resolve, reject);
  });
}
