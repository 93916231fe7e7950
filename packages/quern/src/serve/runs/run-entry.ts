import { runName } from '../../evaluate/run-name.ts';
import type { EvaluationHead } from '../../evaluate/saved-evaluation.ts';
import type { ListedRun } from '../../train/watch/wire.ts';
import { shownName, shownReasoner } from './shown-name.ts';

/** What any run has. */
interface Entry {
  /** Stable as long as the run lies where it does; it tells nothing of that. */
  readonly id: string;
  /** Its folder's name, with as many of those above as tell it from the others. */
  readonly name: string;
}

/** A run that cannot be read, and why. */
type Unreadable = Entry & { readonly problem: string };

/** A run of training. */
export type TrainingEntry = { readonly kind: 'training' } & ((Entry & ListedRun) | Unreadable);

/** A saved evaluation, without its topics. */
export type EvaluationEntry = { readonly kind: 'evaluation' } & (
  (Entry & Omit<EvaluationHead, 'format' | 'version'>) | Unreadable
);

/** A run as it is listed. */
export type RunEntry = TrainingEntry | EvaluationEntry;

/** An evaluation as it is listed: nothing in it says where files and servers are. */
export function evaluationEntry(id: string, name: string, evaluation: EvaluationHead): EvaluationEntry {
  const { format: _, version: __, ...head } = evaluation;
  const retriever = shownName(head.retriever);
  const reasoner = shownReasoner(head.reasoner);
  const plan = head.plan.map(shownName);
  const run = runName(retriever, reasoner, plan);
  return {
    id,
    kind: 'evaluation',
    name,
    ...head,
    run,
    collection: shownName(head.collection),
    retriever,
    reasoner,
    plan,
  };
}
