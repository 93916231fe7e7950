import type { Enough, TextEnd } from './reasoner.ts';

/** One who waits for a text: all of it, or as much as is enough. */
export class Follower {
  readonly #enough: Enough | undefined;
  #end: TextEnd | undefined;

  constructor(enough: Enough | undefined) {
    this.#enough = enough;
  }

  /** Where the text so far is enough; undefined where it is not. */
  async endOf(text: string): Promise<TextEnd | undefined> {
    return (this.#end ??= await this.#enough?.(text));
  }
}

/** Those who wait for one text, which is written until it is enough for all of them. */
export class Followers {
  readonly #here = new Set<Follower>();
  #isEnough = false;

  /** Whether a text was enough for all who were here. */
  get isEnough(): boolean {
    return this.#isEnough;
  }

  add(follower: Follower): void {
    this.#here.add(follower);
  }

  remove(follower: Follower): void {
    this.#here.delete(follower);
  }

  /** Says that a text is enough, whole as it is, once it is for all who are here. */
  readonly enough: Enough = async (text) => {
    const asked = new Set<Follower>();
    // While one is asked, others may come.
    for (let next = this.#notIn(asked); next; next = this.#notIn(asked)) {
      if (!(await next.endOf(text))) return undefined;
      asked.add(next);
    }
    this.#isEnough = true;
    return { length: text.length, why: 'it is enough for all who wait for it' };
  };

  #notIn(asked: ReadonlySet<Follower>): Follower | undefined {
    for (const follower of this.#here) if (!asked.has(follower)) return follower;
    return undefined;
  }
}
