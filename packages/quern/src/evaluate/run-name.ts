import { namedMembers } from '../reason/several-names.ts';

/**
 * A run's name from its parts, fit for a TREC run file (no white space): `bm25`, `bm25+rm3`,
 * `bm25q+reasoned.json/concat:1`; `plan` is what {@link planName} gives. Of a file's path only its name is told.
 */
export function runName(scoring: string, reasoner: string, plan: readonly string[]): string {
  const short = namedMembers(reasoner).map(({ name, samples }) => {
    const file = name.replace(/^file:(?:.*\/)?/su, '');
    return samples === 1 ? file : `${samples}*${file}`;
  });
  return fullRunName(
    scoring,
    reasoner.startsWith('join:') ? `join:${short.join(',')}` : short.join(','),
    plan,
  );
}

/** The name with a recorded file's whole path, for where two have the same name otherwise. */
export function fullRunName(scoring: string, reasoner: string, plan: readonly string[]): string {
  if (reasoner === 'none') return scoring;
  return [`${scoring}+${reasoner}`, ...plan].join('/').replace(/\s+/gu, '_');
}
