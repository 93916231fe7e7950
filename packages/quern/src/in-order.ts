/** How many results may wait for one before them, in multiples of the limit: so that one slow item holds up nobody. */
const waitingPerWorker = 8;

/**
 * What `work` makes of each item, in the items' order, with at most `limit` at work at once. The first failure, in that
 * order, is thrown; nothing new is begun after it, and what is under way is the caller's to stop.
 */
export async function* inOrder<T, R>(
  items: Iterable<T>,
  limit: number,
  work: (item: T, position: number) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const source = items[Symbol.iterator]();
  const results: Promise<R>[] = [];
  let atWork = 0;
  let begun = 0;
  let isEnded = false;
  const fill = (): void => {
    while (!isEnded && atWork < limit && results.length < limit * waitingPerWorker) {
      const next = source.next();
      if (next.done === true) {
        isEnded = true;
        return;
      }
      atWork++;
      const result = work(next.value, begun++);
      results.push(result);
      result.then(
        () => {
          atWork--;
          fill();
        },
        () => {
          isEnded = true;
        },
      );
    }
  };
  try {
    for (fill(); results.length > 0; fill()) yield await results.shift()!;
  } finally {
    isEnded = true;
    source.return?.();
  }
}
