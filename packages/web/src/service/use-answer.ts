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

/**
 * What `load` resolves to; it is called again when one of `keys` changes, or the token. What came for other keys is never returned,
 * not even until it is called.
 */
export function useLoaded<T>(
  load: ((signal: AbortSignal) => Promise<T>) | undefined,
  keys: readonly unknown[],
): Loaded<T> {
  const [turn, setTurn] = useState(0);
  const asked = [...keys, turn];
  const [held, hold] = useState<{ readonly of: readonly unknown[]; readonly loaded: Loaded<T> }>();
  const again = (): void => setTurn((before) => before + 1);
  useEffect(() => onToken(again), []);
  useEffect(() => {
    if (!load) return undefined;
    const stop = new AbortController();
    const tell = (loaded: Loaded<T>): void => {
      if (!stop.signal.aborted) hold({ of: asked, loaded });
    };
    load(stop.signal).then(
      (value) => tell({ state: 'loaded', value }),
      (error: Error) => tell({ state: 'failed', error, again }),
    );
    return () => stop.abort();
  }, asked);
  if (load && held?.of.every((key, i) => Object.is(key, asked[i]))) return held.loaded;
  return { state: 'loading' };
}
