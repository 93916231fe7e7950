import { orAborted } from '../errors.ts';
import type { Enough, TextEnd } from './reasoner.ts';

/** One who waits for a text: all of it, or as much as is enough. */
export class Follower {
  readonly #enough: Enough | undefined;
  #end: TextEnd | undefined;
  #failure: { readonly error: unknown } | undefined;
  readonly #left = new AbortController();

  constructor(enough: Enough | undefined) {
    this.#enough = enough;
  }

  /** Where the text so far is enough; undefined where it is not. What asking throws, it throws from then on. */
  async endOf(text: string): Promise<TextEnd | undefined> {
    if (this.#failure) throw this.#failure.error;
    try {
      return (this.#end ??= await this.#enough?.(text));
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  /**
   * Whether it waits for more than this text: not where that is enough, nor where it leaves while it is asked. Throws as
   * {@link endOf}.
   */
  async waitsForMore(text: string): Promise<boolean> {
    const asked = this.endOf(text);
    try {
      return (await orAborted(asked, this.#left.signal)) === undefined;
    } catch (error) {
      asked.catch(() => undefined);
      if (this.#left.signal.aborted) return false;
      throw error;
    }
  }

  /** Says that it waits no longer. */
  leave(): void {
    this.#left.abort();
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
    follower.leave();
  }

  /**
   * Says that a text is enough, whole as it is, once it is for all who are here. Where asking one of them fails, that is its
   * own affair, as it is where one leaves while it is asked; where it fails for all, the error is thrown.
   */
  readonly enough: Enough = async (text) => {
    const asked = new Set<Follower>();
    const errors: unknown[] = [];
    // While one is asked, others may come.
    for (let next = this.#notIn(asked); next; next = this.#notIn(asked)) {
      asked.add(next);
      try {
        if (await next.waitsForMore(text)) return undefined;
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0 && errors.length === asked.size) throw errors[0];
    this.#isEnough = true;
    return { length: text.length, why: 'it is enough for all who wait for it' };
  };

  #notIn(asked: ReadonlySet<Follower>): Follower | undefined {
    for (const follower of this.#here) if (!asked.has(follower)) return follower;
    return undefined;
  }
}
