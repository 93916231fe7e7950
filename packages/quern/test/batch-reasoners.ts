import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { QuernError } from '../src/errors.ts';
import type { ReasonedQuery, Reasoner } from '../src/reason/reasoner.ts';

/** Four queries with ids. */
export const queries = ['a', 'b', 'c', 'd'].map((query, i) => ({ id: `id${i}`, query }));

/** A reasoner that counts what it is asked, and fails or stops where `upsets` says so. */
export function counting(
  upsets: Readonly<Record<string, () => ReasonedQuery | never>> = {},
  parallel = 1,
): Reasoner & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    id: 'counting',
    asked,
    parallel,
    async reason(query, { sample = 0 } = {}) {
      asked.push(`${query}/${sample}`);
      return upsets[query]?.() ?? answer(query, `${query} because ${sample}`);
    },
    cacheKey: async () => 'the same model',
    async close() {},
  };
}

/** What breaks off a run where it is asked for `query`. */
export function endingAt(query: string): Reasoner & { readonly asked: string[] } {
  return counting({
    [query]: () => {
      throw new QuernError('NETWORK', 'gone');
    },
  });
}

/** What fails, as a bounded reasoner does, where it is asked for one of `failing`. */
export function failingAt(...failing: readonly string[]): Reasoner & { readonly asked: string[] } {
  return counting(Object.fromEntries(failing.map((query) => [query, () => answer(query, '', 'failed')])));
}

export function answer(query: string, text: string, finish: ReasonedQuery['finish'] = 'stop'): ReasonedQuery {
  const counts = { promptTokens: 1, completionTokens: 2, milliseconds: 3, cached: false };
  return { query, text, reasoner: 'counting', finish, ...counts };
}

/** The records of the file of a batch, plain or gzipped. */
export function records(path: string): Record<string, unknown>[] {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes)
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** What lies beside the file, without its name. */
export function beside(out: string): string[] {
  return readdirSync(dirname(out))
    .filter((name) => name.startsWith(`${basename(out)}.`))
    .map((name) => name.slice(basename(out).length));
}
