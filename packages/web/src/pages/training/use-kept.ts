import { useEffect, useState } from 'preact/hooks';
import { ask } from '../../service/client.ts';

/** An answer that stays until the next one has come. */
export interface Kept<T> {
  /** What was answered last; not where what is asked for now did not come, and this is of another route. */
  readonly value?: T;
  /** The route that answered it. */
  readonly of?: string;
  /** Whether that is what is asked for now, and not the answer of a route before. */
  readonly isCurrent: boolean;
  /** Why what is asked for now did not come. */
  readonly error?: Error;
  /** Asks for it once more. */
  again(): void;
}

/** What a route answers, asked again when `turn` changes: what there was stays until then. Undefined asks nothing. */
export function useKept<T>(route: string | undefined, turn: unknown = 0): Kept<T> {
  const [answered, setAnswered] = useState<{ readonly of: string; readonly value: T }>();
  const [tries, setTries] = useState(0);
  const [failed, setFailed] = useState<{ readonly of: string; readonly error: Error }>();
  useEffect(() => {
    if (route === undefined) return undefined;
    const stop = new AbortController();
    ask<T>(route, undefined, { signal: stop.signal }).then(
      (value) => {
        if (stop.signal.aborted) return;
        setAnswered({ of: route, value });
        setFailed(undefined);
      },
      (error: Error) => {
        if (!stop.signal.aborted) setFailed({ of: route, error });
      },
    );
    return () => stop.abort();
  }, [route, turn, tries]);
  const isCurrent = answered?.of === route;
  const error = failed?.of === route ? failed?.error : undefined;
  return {
    isCurrent,
    again: () => setTries((before) => before + 1),
    ...(route !== undefined && answered && (isCurrent || !error) && answered),
    ...(error && { error }),
  };
}
