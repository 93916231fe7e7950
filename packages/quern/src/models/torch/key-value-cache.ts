/** Keys and values of the tokens that sequences have so far, one row a sequence, the rows in use in front. */
import { arange, empty, scope, tensor, type Tensor } from '@quern/libtorch';
import { addedMask } from './token-tensor.ts';
import type { Placement } from './weight-map.ts';

/** What a cache is made for. */
export interface CacheShape {
  readonly layers: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  /** The most sequences at a time. */
  readonly rows: number;
}

/** Room for tokens grows by it. */
const step = 128;

/** Where a step's tokens go, the same for all layers. */
export interface CacheStep {
  /** Shape: (rows, 1, 1, keys); what is added to the scores. Undefined where all rows are of one length. */
  readonly mask?: Tensor;
  readonly rows: number;
  /** The keys that the longest row has, the new one included. */
  readonly keys: number;
  /** Where every row writes: one place; or one a row, and those of all its heads among all that a tensor of the cache has room for. */
  readonly place: number | { readonly position: Tensor; readonly slots: (capacity: number) => Tensor };
}

/** A cache of keys and values. */
export class KeyValueCache {
  readonly #shape: CacheShape;
  readonly #placement: Placement;
  /** Of each layer. Shape: (rows, key-value heads, capacity, head size). */
  readonly #keys: Tensor[] = [];
  readonly #values: Tensor[] = [];
  #capacity = 0;
  /** The most tokens that a row can come to have; no room is made beyond it. */
  #most = 0;
  /** How many tokens each row in use has. */
  readonly #lengths: number[] = [];

  constructor(shape: CacheShape, { dtype, device }: Placement) {
    this.#shape = shape;
    this.#placement = { dtype, device };
  }

  /** The tokens of the rows in use. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  /** Room for tokens that is held. */
  get capacity(): number {
    return this.#capacity;
  }

  /**
   * Takes `count` rows for sequences that begin with the same `length` tokens, whose keys and values are (1, heads, at least
   * length, size), and come to have `most` at the most. Returns the first of them.
   */
  addRows(
    prompt: readonly { readonly keys: Tensor; readonly values: Tensor }[],
    { length, count, most = Infinity }: { length: number; count: number; most?: number },
  ): number {
    const row = this.#lengths.length;
    this.#most = Math.max(this.#most, most);
    this.#reserve(length + 1);
    scope(() => {
      for (const [i, { keys, values }] of prompt.entries()) {
        begin(this.#keys[i], keys, { row, count, length });
        begin(this.#values[i], values, { row, count, length });
      }
    });
    for (let i = 0; i < count; i++) this.#lengths.push(length);
    return row;
  }

  /** Gives a row up: the last row in use moves into its place. */
  removeRow(row: number): void {
    const last = this.#lengths.length - 1;
    if (row !== last) {
      const length = this.#lengths[last];
      scope(() => {
        for (const held of this.#all()) part(held, row, length).copy_(part(held, last, length));
      });
      this.#lengths[row] = length;
    }
    this.#lengths.pop();
  }

  /** One more token in every row in use: how many each had. There is room for it, which the caller fills in each layer. */
  nextLengths(): number[] {
    const lengths = [...this.#lengths];
    this.#reserve(Math.max(...lengths) + 1);
    for (let row = 0; row < lengths.length; row++) this.#lengths[row]++;
    return lengths;
  }

  /** A layer's keys and values. Shape: (rows, key-value heads, capacity, head size). */
  layer(i: number): { readonly keys: Tensor; readonly values: Tensor } {
    return { keys: this.#keys[i], values: this.#values[i] };
  }

  /** One more token in every row in use: where it goes. */
  nextStep(): CacheStep {
    const lengths = this.nextLengths();
    const rows = lengths.length;
    const longest = Math.max(...lengths);
    const keys = longest + 1;
    if (lengths.every((length) => length === longest)) return { rows, keys, place: longest };
    const { device } = this.#placement;
    const positions = tensor(BigInt64Array.from(lengths, BigInt)).to({ device });
    const seen = arange(0, keys, 1, { device }).unsqueeze(0).le(positions.unsqueeze(1));
    return {
      rows,
      keys,
      mask: addedMask(seen, this.#placement).view([rows, 1, 1, keys]),
      place: { position: positions, slots: this.#slots(lengths) },
    };
  }

  /** Writes a layer's new keys and values (rows, heads, 1, size) and returns all of them, the new ones included. */
  append(
    layer: number,
    keys: Tensor,
    values: Tensor,
    { rows, keys: length, place }: CacheStep,
  ): [Tensor, Tensor] {
    const ownKeys = this.#keys[layer].narrow(0, 0, rows);
    const ownValues = this.#values[layer].narrow(0, 0, rows);
    if (typeof place === 'number') {
      ownKeys.narrow(2, place, 1).copy_(keys);
      ownValues.narrow(2, place, 1).copy_(values);
    } else {
      const { headSize } = this.#shape;
      const put = (held: Tensor, each: Tensor): void =>
        void held.view([-1, headSize]).indexCopy_(0, place.slots(held.size(2)), each.reshape([-1, headSize]));
      put(this.#keys[layer], keys);
      put(this.#values[layer], values);
    }
    return [ownKeys.narrow(2, 0, length), ownValues.narrow(2, 0, length)];
  }

  dispose(): void {
    for (const held of this.#all()) held.dispose();
    this.#keys.length = 0;
    this.#values.length = 0;
    this.#capacity = 0;
    this.#most = 0;
    this.#lengths.length = 0;
  }

  /** The numbers of the places behind the last tokens, in each row and head: a layer's keys are so many vectors. */
  #slots(lengths: readonly number[]): (capacity: number) => Tensor {
    const made = new Map<number, Tensor>();
    return (capacity) => {
      const known = made.get(capacity) ?? this.#slotsOf(lengths, capacity);
      made.set(capacity, known);
      return known;
    };
  }

  #slotsOf(lengths: readonly number[], capacity: number): Tensor {
    const { keyValueHeads } = this.#shape;
    const slots = new BigInt64Array(lengths.length * keyValueHeads);
    for (const [row, length] of lengths.entries()) {
      for (let head = 0; head < keyValueHeads; head++) {
        const vectors = row * keyValueHeads + head;
        slots[vectors] = BigInt(vectors * capacity + length);
      }
    }
    return tensor(slots).to({ device: this.#placement.device });
  }

  #all(): Tensor[] {
    return [...this.#keys, ...this.#values];
  }

  #reserve(tokens: number): void {
    if (tokens <= this.#capacity) return;
    const { layers, rows, keyValueHeads, headSize } = this.#shape;
    // By a quarter at least, so that all that is copied stays within a few times what is held.
    const wanted = Math.ceil(Math.max(tokens, this.#capacity * 1.25) / step) * step;
    const capacity = Math.max(tokens, Math.min(wanted, this.#most));
    const used = this.#lengths.length;
    const grown = (before: Tensor | undefined): Tensor => {
      // Some have grown already where memory ended in between.
      if (before && before.size(2) >= capacity) return before;
      const room = empty([rows, keyValueHeads, capacity, headSize], this.#placement).keep();
      // What is never attended to is multiplied by 0 all the same: it must be a number.
      room.zero_();
      if (before) {
        if (used > 0) {
          room
            .narrow(0, 0, used)
            .narrow(2, 0, this.#capacity)
            .copy_(before.narrow(0, 0, used).narrow(2, 0, this.#capacity));
        }
        before.dispose();
      }
      return room;
    };
    // One after the other: where memory ends in between, each still has what it had, in as much room or more.
    for (let i = 0; i < layers; i++) {
      this.#keys[i] = grown(this.#keys[i]);
      this.#values[i] = grown(this.#values[i]);
    }
    this.#capacity = capacity;
  }
}

/** The first tokens of a row. */
function part(held: Tensor, row: number, length: number): Tensor {
  return held.narrow(0, row, 1).narrow(2, 0, length);
}

/** Has rows begin with the same values. */
function begin(
  held: Tensor,
  values: Tensor,
  { row, count, length }: { readonly row: number; readonly count: number; readonly length: number },
): void {
  held
    .narrow(0, row, count)
    .narrow(2, 0, length)
    .copy_(values.narrow(2, 0, length));
}
