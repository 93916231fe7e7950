import { newToken, tokenHash } from '../src/serve/configuration/tokens.ts';
import { rawAnswer, requestText, statusOf } from './raw-http.ts';
import type { ServiceOfTest } from './service-of.ts';

/** A search of the trees. */
export const search = { query: 'ash', index: 'trees' };
const text = JSON.stringify(search);

/** The status of a search with these headers. */
export async function searched(
  { port }: ServiceOfTest,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const head = { 'content-type': 'application/json', 'content-length': String(text.length), ...headers };
  return statusOf(await rawAnswer(port, requestText('POST /v1/search', head, text)));
}

/** A token of each scope, and what declares them. */
export function tokens(): { readonly of: Record<string, string>; readonly declared: object[] } {
  const of = Object.fromEntries(['read', 'write', 'admin'].map((scope) => [scope, newToken()]));
  const declared = Object.entries(of).map(([scope, token]) => ({
    name: `the-${scope}`,
    scope,
    hash: `sha256:${tokenHash(token)}`,
  }));
  return { of, declared };
}
