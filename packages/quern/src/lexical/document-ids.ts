import { StringPool } from './string-pool.ts';

/** The ids of a segment's documents: number ↔ id. `order`: the numbers in ascending byte order of ids. */
export class DocumentIds {
  readonly #pool: StringPool;
  readonly #decoded: (string | undefined)[];
  constructor(bytes: Uint8Array, offsets: Float64Array, order: Uint32Array) {
    this.#pool = new StringPool(bytes, offsets, (place) => order[place]);
    this.#decoded = Array.from({ length: order.length });
  }

  /** How many documents there are. */
  get size(): number {
    return this.#pool.size;
  }

  /** The id of a document. */
  id(document: number): string {
    return (this.#decoded[document] ??= this.#pool.text(document));
  }

  /** The first document in the order of ids whose id does not lie above the one before it; -1 where all ascend. */
  firstOutOfOrder(): number {
    return this.#pool.firstOutOfOrder();
  }

  /** The number of the document with this id, or -1. */
  numberOf(id: string): number {
    return this.#pool.numberOf(id);
  }
}
