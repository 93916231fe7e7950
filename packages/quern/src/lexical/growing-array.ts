/** A list of unsigned 32-bit numbers that grows by doubling. */
export class GrowingUint32Array {
  #values = new Uint32Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Uint32Array(this.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  get(index: number): number {
    return this.#values[index];
  }

  add(index: number, change: number): void {
    this.#values[index] += change;
  }

  /** A view of the values; it goes stale at the next `push`. */
  view(): Uint32Array {
    return this.#values.subarray(0, this.length);
  }
}
