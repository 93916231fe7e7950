/** What waits until a test lets it go on. */
export class Held {
  /** Resolves when it is let go on. */
  readonly over: Promise<void>;
  #resolve: (() => void) | undefined;

  constructor() {
    this.over = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  goOn(): void {
    this.#resolve!();
  }
}
