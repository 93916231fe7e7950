/** How many buckets there are at most. */
const mostBuckets = 1 << 16;

/**
 * Counts over time in bounded memory: buckets of a millisecond, and of twice the width whenever there would be more than
 * 65,536 of them. What it says depends on what was added, not on the order.
 */
export class TimeHistogram {
  #counts = new Map<number, number>();
  #width = 1;
  #total = 0;

  /** Counts `count` more at `time`, in milliseconds. */
  add(time: number, count: number): void {
    this.#total += count;
    this.#add(Math.floor(time / this.#width), count);
    while (this.#counts.size > mostBuckets) {
      const narrow = this.#counts;
      this.#counts = new Map();
      this.#width *= 2;
      for (const [bucket, sum] of narrow) this.#add(Math.floor(bucket / 2), sum);
    }
  }

  #add(bucket: number, count: number): void {
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count);
  }

  /**
   * A time before which at least `share` of the counts lie, as few more as the buckets allow, and after which there are
   * some; `undefined` where all lie in one bucket.
   */
  cut(share: number): number | undefined {
    const buckets = [...this.#counts].sort(([a], [b]) => a - b);
    if (buckets.length < 2) return undefined;
    let before = 0;
    let place = 0;
    while (place < buckets.length - 1 && (place === 0 || before < share * this.#total)) {
      before += buckets[place++][1];
    }
    return buckets[place][0] * this.#width;
  }
}
