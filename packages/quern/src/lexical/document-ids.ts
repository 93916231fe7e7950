import { toUSVString } from 'node:util';

/** The ids of an index's documents: number ↔ id, and their byte order for ties. */
export class DocumentIds {
  readonly #bytes: Buffer;
  readonly #offsets: Float64Array;
  readonly #decoded: (string | undefined)[];
  /** Document numbers in ascending byte order of ids. */
  readonly order: Uint32Array;
  /** Its inverse: document number → place in that order. */
  readonly places: Uint32Array;

  constructor(bytes: Uint8Array, offsets: Float64Array, order: Uint32Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offsets = offsets;
    this.order = order;
    this.#decoded = Array.from({ length: order.length });
    this.places = new Uint32Array(order.length);
    order.forEach((document, place) => (this.places[document] = place));
  }

  /** How many documents there are. */
  get size(): number {
    return this.order.length;
  }

  /** The id of a document. */
  id(document: number): string {
    return (this.#decoded[document] ??= this.#bytes.toString(
      'utf8',
      this.#offsets[document],
      this.#offsets[document + 1],
    ));
  }

  /** The number of the document with this id, or -1. */
  numberOf(id: string): number {
    // Half a surrogate pair would be encoded as U+FFFD and find the id that has it.
    if (toUSVString(id) !== id) return -1;
    const wanted = Buffer.from(id);
    let from = 0;
    let to = this.size - 1;
    while (from <= to) {
      const middle = (from + to) >>> 1;
      const document = this.order[middle];
      const order = this.#bytes.compare(
        wanted,
        0,
        wanted.length,
        this.#offsets[document],
        this.#offsets[document + 1],
      );
      if (order === 0) return document;
      if (order < 0) from = middle + 1;
      else to = middle - 1;
    }
    return -1;
  }
}
