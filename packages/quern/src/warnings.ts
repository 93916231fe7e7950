/** A kind of oddity that was skipped or tolerated, how often, and where it was first seen. */
export interface Warning {
  readonly message: string;
  readonly count: number;
  readonly first: string;
}

/** Counts oddities that a format allows to skip, so that they are never silent and never flood the screen. */
export class Warnings {
  readonly #byMessage = new Map<string, { count: number; first: string }>();

  /** Counts one more `message` (e.g. `empty document`), seen at `where` (e.g. `corpus.jsonl:12`). */
  add(message: string, where: string): void {
    const seen = this.#byMessage.get(message);
    if (seen) seen.count++;
    else this.#byMessage.set(message, { count: 1, first: where });
  }

  /** All warnings so far, in the order in which they first came up. */
  list(): Warning[] {
    return [...this.#byMessage].map(([message, { count, first }]) => ({ message, count, first }));
  }
}
