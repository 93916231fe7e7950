import { hashOf, replaceAddress } from '../../address.ts';

/** Changes of what the page shows; empty forgets. */
export type Changes = Readonly<Record<string, string | undefined>>;

/** Where the address leads when something of it is changed. */
export function changedHash(params: URLSearchParams, changes: Changes): string {
  return hashOf('evaluation', { ...Object.fromEntries(params), ...changes });
}

/** Changes the address without a step in the history. */
export function change(params: URLSearchParams, changes: Changes): void {
  replaceAddress('evaluation', { ...Object.fromEntries(params), ...changes });
}
