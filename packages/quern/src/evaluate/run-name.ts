import { basename } from 'node:path';

/**
 * A run's name from its parts, fit for a TREC run file (no white space): `bm25`, `bm25+rm3`,
 * `bm25q+reasoned.json/concat:1`.
 */
export function runName(scoring: string, reasoner: string, combine: string): string {
  const short = reasoner.startsWith('file:') ? basename(reasoner.slice(5)) : reasoner;
  return fullRunName(scoring, short, combine);
}

/** The name with a recorded file's whole path, for where two have the same name otherwise. */
export function fullRunName(scoring: string, reasoner: string, combine: string): string {
  if (reasoner === 'none') return scoring;
  const suffix = combine === 'replace' ? '' : `/${combine}`;
  return `${scoring}+${reasoner}${suffix}`.replace(/\s+/gu, '_');
}
