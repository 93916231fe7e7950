/** Bounds on what is sent at once. */
export interface BulkBounds {
  /** Documents of a request. */
  readonly documents: number;
  /** Bytes of a request; a document that is larger goes alone. */
  readonly bytes: number;
  /** Requests under way. */
  readonly requests: number;
}

/** A few megabytes a request is what clusters are fastest with; four under way are at most 16 MB. */
export const defaultBulkBounds: BulkBounds = { documents: 1000, bytes: 4 * 2 ** 20, requests: 4 };

/** So many requests that were taken raise the bounds a little. */
const takenBeforeRaise = 8;

/**
 * How much is sent at once: as much as is allowed at first, half of that where the cluster takes no more, and slowly more again
 * (additive increase, multiplicative decrease, as TCP has it). Who may not send yet waits.
 */
export class BulkLimits {
  readonly #most: BulkBounds;
  #share = 1;
  #taken = 0;
  #underWay = 0;
  readonly #line: (() => void)[] = [];
  #pushedBack = 0;

  constructor(most: BulkBounds = defaultBulkBounds) {
    this.#most = most;
  }

  /** What holds now. */
  get now(): BulkBounds {
    const part = (amount: number): number => Math.max(1, Math.floor(amount * this.#share));
    const { documents, bytes, requests } = this.#most;
    return { documents: part(documents), bytes: part(bytes), requests: part(requests) };
  }

  /** How often the cluster took no more. */
  get timesPushedBack(): number {
    return this.#pushedBack;
  }

  /** Waits for the place of a request. */
  async enter(): Promise<void> {
    while (this.#underWay >= this.now.requests) await new Promise<void>((turn) => this.#line.push(turn));
    this.#underWay++;
  }

  /** Gives a place back. */
  leave(): void {
    this.#underWay--;
    for (const turn of this.#line.splice(0)) turn();
  }

  /** The cluster took a request. */
  took(): void {
    if (this.#share >= 1 || ++this.#taken % takenBeforeRaise !== 0) return;
    this.#share = Math.min(1, this.#share + 1 / 16);
  }

  /** The cluster takes no more, or not so much: half of it from now on. */
  halve(): void {
    this.#pushedBack++;
    this.#taken = 0;
    this.#share = Math.max(1 / 1024, this.#share / 2);
  }
}
