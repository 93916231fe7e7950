import { orAborted, throwIfAborted } from '../errors.ts';
import type { ReasonedQuery } from './reasoner.ts';

/** Makes a reasoned query: tells of pieces of its text as they come, and stops when the signal says so. */
export type Generate = (signal: AbortSignal, onPiece: (piece: string) => void) => Promise<ReasonedQuery>;

/** What came of a generation, and whether this is the sharer that accounts for what it cost. */
export interface SharedOutcome {
  readonly reasoned: ReasonedQuery;
  /** How many characters its pieces have. */
  readonly characters: number;
  readonly isFirst: boolean;
}

/**
 * One generation that several callers wait for. Each may leave without harm to the others; when the last one has left, it is
 * told to stop.
 */
export class SharedGeneration {
  readonly #stop = new AbortController();
  readonly #outcome: Promise<ReasonedQuery>;
  readonly #pieces: string[] = [];
  readonly #waiting = new Set<() => void>();
  #sharers = 0;
  #isAccountedFor = false;
  #isOver = false;

  constructor(generate: Generate) {
    const onPiece = (piece: string): void => {
      this.#pieces.push(piece);
      this.#wake();
    };
    this.#outcome = Promise.resolve().then(() => generate(this.#stop.signal, onPiece));
    const over = (): void => {
      this.#isOver = true;
      this.#wake();
    };
    this.#outcome.then(over, over);
  }

  /** Whether all have left, so that it stops or has stopped. */
  get isAbandoned(): boolean {
    return this.#stop.signal.aborted;
  }

  /**
   * The pieces of its text, those first that came before, without the first `told` characters; and then what came of it.
   * Throws what the generation does, and `ABORTED` as soon as `signal` is aborted.
   */
  async *follow(signal?: AbortSignal, told = 0): AsyncGenerator<string, SharedOutcome, undefined> {
    throwIfAborted(signal);
    let isHere = true;
    const leave = (): void => {
      if (!isHere) return;
      isHere = false;
      signal?.removeEventListener('abort', leave);
      if (--this.#sharers === 0) this.#stop.abort();
    };
    this.#sharers++;
    // Also while nobody asks for the next piece.
    signal?.addEventListener('abort', leave);
    let characters = 0;
    try {
      for (let next = 0; ; next++) {
        while (next === this.#pieces.length && !this.#isOver) await this.#news(signal);
        throwIfAborted(signal);
        if (next === this.#pieces.length) break;
        const piece = this.#pieces[next];
        const start = Math.max(0, told - characters);
        characters += piece.length;
        if (start < piece.length) yield piece.slice(start);
      }
      const reasoned = await this.#outcome;
      const isFirst = !this.#isAccountedFor;
      this.#isAccountedFor = true;
      return { reasoned, characters, isFirst };
    } finally {
      leave();
    }
  }

  async #news(signal: AbortSignal | undefined): Promise<void> {
    const news = new Promise<void>((resolve) => this.#waiting.add(resolve));
    await (signal ? orAborted(news, signal) : news);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
