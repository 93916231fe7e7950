/** How many results may wait for one before them, in multiples of the limit: so that one slow item holds up nobody. */
const waitingPerWorker = 8;

/**
 * What `work` makes of each item, in the items' order, with at most `limit` at work at once. The first failure is thrown at
 * once; nothing new is begun after it, and what is under way is the caller's to stop.
 */
export async function* inOrder<T, R>(
  items: Iterable<T>,
  limit: number,
  work: (item: T, position: number) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const source = items[Symbol.iterator]();
  /** A result each, undefined as long as it is not there. */
  const results: ({ readonly value: R } | undefined)[] = [];
  let failure: { readonly error: unknown } | undefined;
  let wake: (() => void) | undefined;
  let atWork = 0;
  let begun = 0;
  let taken = 0;
  let isEnded = false;
  const begin = (item: T, position: number): void => {
    atWork++;
    results.push(undefined);
    work(item, position)
      .then(
        (value) => {
          results[position - taken] = { value };
        },
        (error: unknown) => {
          failure ??= { error };
          isEnded = true;
        },
      )
      .finally(() => {
        atWork--;
        fill();
        wake?.();
      });
  };
  const fill = (): void => {
    for (;;) {
      if (isEnded || atWork >= limit || results.length >= limit * waitingPerWorker) return;
      let next: IteratorResult<T>;
      try {
        next = source.next();
      } catch (error) {
        failure ??= { error };
        isEnded = true;
        return;
      }
      if (next.done === true) isEnded = true;
      else begin(next.value, begun++);
    }
  };
  try {
    fill();
    for (;;) {
      if (failure) throw failure.error;
      if (results.length === 0) return;
      const [first] = results;
      if (first) {
        results.shift();
        taken++;
        fill();
        yield first.value;
      } else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    isEnded = true;
    source.return?.();
  }
}
