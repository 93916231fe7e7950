import { resolve, sep } from 'node:path';
import { QuernError } from '../errors.ts';
import type { NamedEvaluation } from '../evaluate/evaluate-named.ts';
import type { EvaluationFolder } from '../evaluate/evaluation-folder.ts';
import type { EvaluationRecord, SeveralRecord } from '../evaluate/evaluation-record.ts';
import type { EvaluationToSave } from '../evaluate/write-evaluation.ts';

/** The options of `quern eval` that {@link checkSaving} looks at. */
interface SavingOptions {
  readonly save?: string;
  readonly replace?: boolean;
  readonly run?: string;
  readonly html?: string;
  readonly index?: string;
}

/** Where evaluations are saved, and what is known of them beforehand. */
export interface Saving extends Pick<EvaluationToSave, 'split' | 'parameters' | 'plan'> {
  readonly folder: EvaluationFolder;
  /** What the names of their folders begin with. */
  readonly names: readonly string[];
}

/** Throws `USAGE` where what is written otherwise would be in the folder that is saved. */
export function checkSaving({ save, replace, run, html, index }: SavingOptions): void {
  if (save === undefined) {
    if (replace) throw new QuernError('USAGE', 'is of --save', { where: '--replace' });
    return;
  }
  for (const path of [run, html, index]) {
    if (path === undefined || !`${resolve(path)}${sep}`.startsWith(`${resolve(save)}${sep}`)) continue;
    throw new QuernError('USAGE', `${path} would be in it`, { where: '--save', hint: 'Name another place' });
  }
}

/** Saves the evaluations whose records are given: each in a folder of its own where there are several. */
export async function saveEvaluations(
  { collection, evaluations, index }: NamedEvaluation,
  record: EvaluationRecord | SeveralRecord,
  { folder, names, ...settings }: Saving,
): Promise<void> {
  const { qrels } = collection;
  const common = { ...settings, qrels, analyzer: index.analyzer };
  if ('runs' in record) {
    for (const [i, { run: _, ...each }] of record.runs.entries())
      await folder.add({ ...common, evaluation: evaluations[i], record: each }, [...names, each.reasoner]);
  } else {
    const evaluation = evaluations[evaluations.length - 1];
    await folder.add({ ...common, evaluation, record }, names);
  }
}
