import { hash } from 'node:crypto';

/** Where a question stands in all draws, and in which of the files that posts are spread over. */
export interface Lot {
  /** Uniform in [0, 1): the questions of a domain that come first are those with the least. */
  readonly draw: number;
  /** Uniform in [0, 1), and independent of `draw`. */
  readonly place: number;
}

/** The lot of a question: of its id and the seed alone, so that more data does not change it. */
export function lotOf(id: string, seed: number): Lot {
  const digest = hash('sha256', `${seed}\n${id}`, 'hex');
  return { draw: share(digest.slice(0, 12)), place: share(digest.slice(12, 24)) };
}

/** Uniform in [0, 1), of a question's id alone: what its split is decided by, under any seed. */
export function splitLot(id: string): number {
  return share(hash('sha256', `split\n${id}`, 'hex').slice(0, 12));
}

/** What 12 hexadecimal digits are of the greatest such number. */
function share(digits: string): number {
  return Number.parseInt(digits, 16) / 2 ** 48;
}

/**
 * The `size` least of the numbers it is shown, found in one pass: whatever is above the limit when it comes can be passed
 * over, since the limit only ever falls. It keeps twice `size` numbers at most.
 */
export class LeastNumbers {
  readonly #size: number;
  #kept: number[];
  #limit: number;

  constructor(size: number, kept: readonly number[] = [], limit = Infinity) {
    this.#size = size;
    this.#kept = [...kept];
    this.#limit = limit;
  }

  /** What is above it is not among the least. */
  get limit(): number {
    return this.#limit;
  }

  /** What a new one is to be made with to go on from here. */
  get state(): { readonly kept: readonly number[]; readonly limit: number } {
    return { kept: this.#kept, limit: this.#limit };
  }

  add(value: number): void {
    if (value > this.#limit) return;
    this.#kept.push(value);
    if (this.#kept.length >= 2 * this.#size) this.settle();
  }

  /** Lets the limit fall to where it is exact. */
  settle(): void {
    if (this.#kept.length < this.#size) return;
    this.#kept = this.#kept.sort((a, b) => a - b).slice(0, this.#size);
    this.#limit = this.#kept[this.#size - 1];
  }
}
