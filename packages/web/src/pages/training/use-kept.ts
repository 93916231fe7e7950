import { useEffect, useState } from 'preact/hooks';
import { ask } from '../../service/client.ts';

/** An answer that stays until the next one has come. */
export interface Kept<T> {
  /** What was answered last. */
  readonly value?: T;
  /** Whether that is what is asked for now, and not the answer of the route before. */
  readonly isCurrent: boolean;
  readonly error?: Error;
}

/** What a route answers, asked again when `turn` changes: what there was stays until then. Undefined asks nothing. */
export function useKept<T>(route: string | undefined, turn: unknown = 0): Kept<T> {
  const [kept, setKept] = useState<{ of?: string; value?: T; error?: Error }>({});
  useEffect(() => {
    if (route === undefined) return undefined;
    const stop = new AbortController();
    ask<T>(route, undefined, { signal: stop.signal }).then(
      (value) => !stop.signal.aborted && setKept({ of: route, value }),
      (error: Error) => {
        if (!stop.signal.aborted) setKept((before) => ({ ...before, of: route, error }));
      },
    );
    return () => stop.abort();
  }, [route, turn]);
  const { of, value, error } = kept;
  return {
    isCurrent: of === route,
    ...(route !== undefined && value !== undefined && { value }),
    ...(of === route && error && { error }),
  };
}
