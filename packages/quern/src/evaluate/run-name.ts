/**
 * A run's name from its parts, fit for a TREC run file (no white space): `bm25`, `bm25+rm3`,
 * `bm25q+reasoned.json/concat:1`; `plan` is what {@link planName} gives.
 */
export function runName(scoring: string, reasoner: string, plan: readonly string[]): string {
  if (reasoner === 'none') return scoring;
  const short = reasoner.replace(/file:(?:[^,]*\/)?/gu, '');
  return [`${scoring}+${short}`, ...plan].join('/').replace(/\s+/gu, '_');
}
