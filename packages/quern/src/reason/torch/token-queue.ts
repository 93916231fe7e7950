/** Tokens that one side draws while the other reads them. */
export class TokenQueue implements AsyncIterable<number> {
  readonly #tokens: number[] = [];
  #isOver = false;
  #wake: (() => void) | undefined;
  #firstAt = 0;
  #lastAt = 0;

  push(token: number): void {
    this.#lastAt = performance.now();
    if (this.#tokens.length === 0) this.#firstAt = this.#lastAt;
    this.#tokens.push(token);
    this.#wake?.();
  }

  /** No more will come. */
  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  /** Tokens a second, from the first on; undefined where there are fewer than two. */
  get perSecond(): number | undefined {
    const seconds = (this.#lastAt - this.#firstAt) / 1000;
    return seconds > 0 ? (this.#tokens.length - 1) / seconds : undefined;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<number, void, undefined> {
    for (let next = 0; ; next++) {
      while (next === this.#tokens.length && !this.#isOver) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (next === this.#tokens.length) return;
      yield this.#tokens[next];
    }
  }
}
