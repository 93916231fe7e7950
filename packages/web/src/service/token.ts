/** The token that requests show. It lies with this tab alone, and goes when that is closed. */
const key = 'quern-token';
const listeners = new Set<() => void>();

/** The token, where one was given. */
export function token(): string | undefined {
  try {
    return sessionStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a token; undefined forgets it. */
export function keepToken(given: string | undefined): void {
  try {
    if (given === undefined) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, given);
  } catch {
    // Where nothing can be kept, it is asked for again.
  }
  for (const each of listeners) each();
}

/** Calls `listener` after each change, until what is returned is called. */
export function onToken(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
