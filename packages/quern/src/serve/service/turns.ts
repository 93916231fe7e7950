/** The least and the most milliseconds of work in one turn. */
const least = 5;
const most = 50;

/**
 * Turns of the event loop for work that holds it. In a turn work goes on for about as long as everything else has taken since the
 * last one, from 5 to 50 ms: with less of it, a loop that is kept busy by requests to be refused would get nothing else done; with
 * more, requests that have come would wait unread.
 */
export class Turns {
  #began = -Infinity;
  #ended = -Infinity;
  #budget = least;

  /** Calls `begin` in a later turn. */
  next(begin: () => void): void {
    setImmediate(() => {
      const now = performance.now();
      // Others of this turn may have begun already.
      if (now - this.#began > this.#budget) {
        this.#budget = Math.min(most, Math.max(least, now - this.#ended));
        this.#began = now;
      }
      begin();
    });
  }

  /** Work has ended: calls `begin`, for what comes next, in this turn while there is time, or in a later one. */
  after(begin: (() => void) | undefined): void {
    const now = performance.now();
    this.#ended = now;
    if (begin === undefined) return;
    if (now - this.#began < this.#budget) begin();
    else this.next(begin);
  }
}
