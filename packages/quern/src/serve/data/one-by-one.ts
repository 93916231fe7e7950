/** Pieces of work of which those with the same key run one after the other. */
export class OneByOne {
  readonly #last = new Map<string, Promise<unknown>>();

  /** What `work` resolves to, or rejects with, once it has had its turn. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const turn = Promise.resolve(before).then(work, work);
    this.#last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    }
  }
}
