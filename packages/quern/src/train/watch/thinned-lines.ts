/** Lines of which no more than a number is kept: when there are more, every second one of those goes. */
export class ThinnedLines<T> {
  readonly #most: number;
  #lines: T[] = [];
  #stride = 1;
  #added = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The first line, and every `stride`-th after it. */
  get lines(): readonly T[] {
    return this.#lines;
  }

  get stride(): number {
    return this.#stride;
  }

  /** Adds a line; true where others had to go for it. */
  add(line: T): boolean {
    if (this.#added++ % this.#stride !== 0) return false;
    this.#lines.push(line);
    if (this.#lines.length <= this.#most) return false;
    this.#stride *= 2;
    this.#lines = this.#lines.filter((_, i) => i % 2 === 0);
    return true;
  }

  clear(): void {
    this.#lines = [];
    this.#stride = 1;
    this.#added = 0;
  }
}
