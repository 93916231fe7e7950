import { StringPool } from './string-pool.ts';

/** The ids of an index's documents: number ↔ id, and their byte order for ties. */
export class DocumentIds {
  readonly #pool: StringPool;
  readonly #decoded: (string | undefined)[];
  /** Document numbers in ascending byte order of ids. */
  readonly order: Uint32Array;
  /** Its inverse: document number → place in that order. */
  readonly places: Uint32Array;

  constructor(bytes: Uint8Array, offsets: Float64Array, order: Uint32Array) {
    this.#pool = new StringPool(bytes, offsets, (place) => order[place]);
    this.order = order;
    this.#decoded = Array.from({ length: order.length });
    this.places = new Uint32Array(order.length);
    order.forEach((document, place) => (this.places[document] = place));
  }

  /** How many documents there are. */
  get size(): number {
    return this.#pool.size;
  }

  /** The id of a document. */
  id(document: number): string {
    return (this.#decoded[document] ??= this.#pool.text(document));
  }

  /** The number of the document with this id, or -1. */
  numberOf(id: string): number {
    return this.#pool.numberOf(id);
  }
}
