/**
 * Something that is open while it is used: whoever uses it holds it, and it is closed once it is let go and nobody holds it.
 */
export class SharedResource<T> {
  readonly value: T;
  readonly #close: (value: T) => Promise<void>;
  #users = 0;
  #isClosing = false;
  #isLetGo = false;
  #closed!: () => void;
  readonly #whenClosed = new Promise<void>((resolve) => (this.#closed = resolve));

  constructor(value: T, close: (value: T) => Promise<void>) {
    this.value = value;
    this.#close = close;
  }

  /** Whether it is closed, or will be once nobody uses it: then nobody may begin to. */
  get isLetGo(): boolean {
    return this.#isLetGo;
  }

  /** What `work` makes of it; it stays open meanwhile. Not to be called once it {@link isLetGo}. */
  async use<R>(work: (value: T) => Promise<R>): Promise<R> {
    this.#users++;
    try {
      return await work(this.value);
    } finally {
      this.#users--;
      this.#closeIfUnused();
    }
  }

  /** Closes it as soon as nobody holds it any more, and resolves then. What closing throws is lost: nobody waits for it. */
  letGo(): Promise<void> {
    this.#isLetGo = true;
    this.#closeIfUnused();
    return this.#whenClosed;
  }

  #closeIfUnused(): void {
    if (!this.#isLetGo || this.#users > 0 || this.#isClosing) return;
    this.#isClosing = true;
    const closed = (): void => this.#closed();
    this.#close(this.value).then(closed, closed);
  }
}
