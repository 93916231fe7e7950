import { QuernError } from '../errors.ts';
import type { Scoring } from '../lexical/bm25.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { NoReasoner } from './none.ts';
import type { Reasoner } from './reasoner.ts';
import { RecordedReasoner } from './recorded.ts';
import { Rm3Reasoner } from './rm3.ts';

/**
 * The reasoner that a string names: `none`, `rm3` (which learns from the index that is given) or `file:PATH`. Throws `USAGE`
 * for an unknown name, or when `rm3` has no lexical index to learn from; and what opening the file throws.
 */
export async function reasonerNamed(
  name: string,
  feedback?: { readonly index: LexicalIndex; readonly scoring: Scoring },
): Promise<Reasoner> {
  if (name === 'none') return new NoReasoner();
  if (name === 'rm3') {
    if (feedback) return new Rm3Reasoner(feedback.index, feedback.scoring);
    throw new QuernError('USAGE', 'rm3 learns from an index, and none is given', {
      hint: 'Name a lexical index, e.g. with --index FOLDER',
    });
  }
  if (name.startsWith('file:') && name.length > 5) return RecordedReasoner.open(name.slice(5));
  throw new QuernError('USAGE', `unknown reasoner ${JSON.stringify(name)}`, {
    hint: 'Reasoners are none, rm3 and file:PATH',
  });
}
