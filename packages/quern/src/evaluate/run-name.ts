import { namedMembers } from '../reason/several-names.ts';

/**
 * A run's name from its parts, fit for a TREC run file (no white space): `bm25`, `bm25+rm3`,
 * `bm25q+reasoned.json/concat:1`, `dense:onnx:minilm`; `retriever` is its id, `plan` what in the plan differs from asking once and searching the text. Of the paths
 * of files and models only their names are told.
 */
export function runName(retriever: string, reasoner: string, plan: readonly string[]): string {
  const short = namedMembers(reasoner).map(({ name, samples }) => {
    const file = name.replace(/^file:(?:.*\/)?/su, '');
    return samples === 1 ? file : `${samples}*${file}`;
  });
  return fullRunName(
    retriever.replace(modelPath, '$1'),
    reasoner.startsWith('join:') ? `join:${short.join(',')}` : short.join(','),
    plan,
  );
}

/** What stands before the name of a local model, or of one of the hub. */
const modelPath = /((?:onnx|llama):)[^+]*\/(?=[^/+])/gu;

/** The name with whole paths, for where two have the same name otherwise. */
export function fullRunName(retriever: string, reasoner: string, plan: readonly string[]): string {
  const named = reasoner === 'none' ? retriever : [`${retriever}+${reasoner}`, ...plan].join('/');
  return named.replace(/\s+/gu, '_');
}
