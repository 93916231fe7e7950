import { QuernError } from '../errors.ts';
import type { Scoring } from '../lexical/bm25.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { NoReasoner } from './none.ts';
import type { Reasoner } from './reasoner.ts';
import { RecordedReasoner } from './recorded.ts';
import { Rm3Reasoner } from './rm3.ts';

/** The index that a reasoner learns from, and how it is searched. */
export interface Feedback {
  readonly index: LexicalIndex;
  readonly scoring: Scoring;
}

/**
 * The reasoner that a string names: `none`, `rm3` (which learns from the index that is given) or `file:PATH`. Throws `USAGE`
 * for an unknown name, or when `rm3` has no lexical index to learn from; and what opening the file throws.
 */
export async function reasonerNamed(name: string, feedback?: Feedback): Promise<Reasoner> {
  return (await preparedReasoner(name))(feedback);
}

/**
 * {@link reasonerNamed} in two steps: whatever can be wrong with the name or its file is found now, before an index is
 * built, and the index is handed in later.
 */
export async function preparedReasoner(name: string): Promise<(feedback?: Feedback) => Reasoner> {
  if (name === 'none') return () => new NoReasoner();
  if (name === 'rm3') return rm3;
  if (name.startsWith('file:') && name.length > 5) {
    const reasoner = await RecordedReasoner.open(name.slice(5));
    return () => reasoner;
  }
  throw new QuernError('USAGE', `unknown reasoner ${JSON.stringify(name)}`, {
    hint: 'Reasoners are none, rm3 and file:PATH',
  });
}

function rm3(feedback: Feedback | undefined): Reasoner {
  if (feedback) return new Rm3Reasoner(feedback.index, feedback.scoring);
  throw new QuernError('USAGE', 'rm3 learns from an index, and none is given', {
    hint: 'Name a lexical index, e.g. with --index FOLDER',
  });
}
