import { defaultBm25Parameters } from '../lexical/bm25.ts';
import { isSeveral, namedMembers } from '../reason/several-names.ts';
import type { RetrieverPlan } from '../search/retrievers.ts';
import type { Warnings } from '../warnings.ts';
import type { DenseOptions } from './dense-options.ts';
import type { PlanningOptions } from './planning-options.ts';

/**
 * Counts among `warnings` each option that was given and changes nothing with these reasoners and this retriever: who gives one
 * expects something of it, and scripts that give the same options to every reasoner must go on.
 */
export function warnOfIdleOptions(
  options: PlanningOptions & DenseOptions & { readonly deadline?: number },
  reasoners: readonly string[],
  retriever: Pick<RetrieverPlan, 'name' | 'scoring' | 'embedders'>,
  warnings: Warnings,
): void {
  const { combine, join, keyTerms, background, backgroundPower, earlyStop, gate } = options;
  const { rounds = 1, roundsKeep, roundsTokens, rerank, rerankDepth, k1, b, deadline } = options;
  const all = reasoners.flatMap(namedMembers).map(({ name }) => name);
  const reasons = all.some((name) => name !== 'none');
  const writes = all.some((name) => name !== 'none' && name !== 'rm3');
  const idle: [option: string, isIdle: boolean, why: string][] = [
    ['--deadline', deadline !== undefined && !reasons && rerank === undefined, 'nothing is waited for'],
    ['--gate', gate !== undefined && !reasons, 'there is no reasoning to stand aside from'],
    ['--combine', combine.kind !== 'replace' && !reasons, 'the question is searched as it is'],
    ['--key-terms', keyTerms !== undefined && !reasons, 'the question is searched as it is'],
    ['--early-stop', earlyStop !== undefined && !writes, 'no reasoner writes a text'],
    ['--background', background !== undefined && !writes, 'no reasoner writes a text'],
    [
      '--background-power',
      backgroundPower !== undefined && background === undefined,
      'there is no --background',
    ],
    [
      '--join',
      join !== undefined && !reasoners.some(isSeveral),
      'there is one reasoned query a question; join:A,B and 3*A make several',
    ],
    ['--rounds-keep', roundsKeep !== undefined && rounds === 1, 'there is one round'],
    ['--rounds-tokens', roundsTokens !== undefined && rounds === 1, 'there is one round'],
  ];
  const names = reasoners.join(', ');
  for (const [option, isIdle, why] of idle) {
    if (isIdle) warnings.add(`${option} changes nothing: ${why}`, `--reasoner ${names}`);
  }
  if (rerankDepth !== undefined && rerank === undefined) {
    warnings.add('--rerank-depth changes nothing', 'there is no --rerank');
  }
  const where = `--retriever ${retriever.name}`;
  if (retriever.embedders.length === 0) warnOfIdleDenseOptions(options, where, warnings);
  // Reasoners that read what is found, such as rm3, find it by terms.
  if (retriever.scoring !== undefined || reasons) return;
  for (const [name, value] of Object.entries({ k1, b })) {
    // The default cannot be told from the same value given, which asks for nothing.
    if (value === defaultBm25Parameters[name as 'k1' | 'b']) continue;
    warnings.add(`--${name} changes nothing: the retriever does not weigh terms`, where);
  }
}

/** Counts among `warnings` each option about vectors that was given where none are made or searched, seen at `where`. */
export function warnOfIdleDenseOptions(options: DenseOptions, where: string, warnings: Warnings): void {
  const { passages, precision, vectorSearch, pooling, embedTokens } = options;
  const { queryInstruction, documentInstruction } = options;
  const given = {
    '--passages': passages,
    '--precision': precision,
    '--vector-search': vectorSearch,
    '--pooling': pooling,
    '--embed-tokens': embedTokens,
    '--query-instruction': queryInstruction,
    '--document-instruction': documentInstruction,
  };
  for (const [option, value] of Object.entries(given)) {
    if (value !== undefined) warnings.add(`${option} changes nothing: nothing is embedded`, where);
  }
}
