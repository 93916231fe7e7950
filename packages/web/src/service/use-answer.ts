import { useEffect, useState } from 'preact/hooks';
import { ask } from './client.ts';
import { onToken } from './token.ts';

/** An answer that is waited for, has come, or did not. */
export type Loaded<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'failed'; readonly error: Error; again(): void }
  | { readonly state: 'loaded'; readonly value: T };

/** What a route answers; it is asked again when the route changes, or the token. Undefined asks nothing, and loads forever. */
export function useAnswer<T>(route: string | undefined): Loaded<T> {
  return useLoaded(route === undefined ? undefined : (signal) => ask<T>(route, undefined, { signal }), [
    route,
  ]);
}

/** What `load` resolves to; it is called again when one of `keys` changes, or the token. */
export function useLoaded<T>(
  load: ((signal: AbortSignal) => Promise<T>) | undefined,
  keys: readonly unknown[],
): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ state: 'loading' });
  const [turn, setTurn] = useState(0);
  const again = (): void => setTurn((before) => before + 1);
  useEffect(() => onToken(again), []);
  useEffect(() => {
    if (!load) return undefined;
    const stop = new AbortController();
    setLoaded({ state: 'loading' });
    load(stop.signal).then(
      (value) => !stop.signal.aborted && setLoaded({ state: 'loaded', value }),
      (error: Error) => !stop.signal.aborted && setLoaded({ state: 'failed', error, again }),
    );
    return () => stop.abort();
  }, [...keys, turn]);
  return loaded;
}
