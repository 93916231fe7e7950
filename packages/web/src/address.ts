import { useEffect, useState } from 'preact/hooks';

/** What the part of the address after `#` says: which page, and what it shows. It is never sent to the service. */
export interface Address {
  /** Without slashes; empty for the first page. */
  readonly page: string;
  readonly params: URLSearchParams;
}

/** The address in a hash such as `#/training?runs=a`. */
export function addressIn(hash: string): Address {
  const [path = '', query = ''] = hash.replace(/^#?\/*/, '').split(/\?(.*)/s, 2);
  return { page: path.replace(/\/+$/, ''), params: new URLSearchParams(query) };
}

/** The hash of an address. Parameters that are empty are left out. */
export function hashOf(page: string, params: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(params).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '');
  const query = new URLSearchParams(given).toString();
  return `#/${page}${query === '' ? '' : `?${query}`}`;
}

/** The present address, kept up to date. */
export function useAddress(): Address {
  const [address, setAddress] = useState(() => addressIn(location.hash));
  useEffect(() => {
    const follow = (): void => setAddress(addressIn(location.hash));
    // It may be another since it was read first, when nobody listened yet.
    follow();
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return address;
}

/** Puts an address in place of the present one, without a step in the history: for what is chosen on a page. */
export function replaceAddress(page: string, params: Readonly<Record<string, string | undefined>>): void {
  const hash = hashOf(page, params);
  if (hash === location.hash) return;
  history.replaceState(history.state, '', hash);
  // It tells nobody by itself.
  dispatchEvent(new HashChangeEvent('hashchange'));
}
