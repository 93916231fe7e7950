import { count } from '../../parts/figures.ts';
import type { SetRecord } from './wire.ts';

/** What every set is held against, where it is at hand. */
const bright = 'bright:all';

/** What the record says of leaks from benchmarks into the set, and whether BRIGHT at the least was guarded against. */
export function guardWords({ against, stages }: Pick<SetRecord, 'against' | 'stages'>): {
  readonly isGood: boolean;
  readonly sentences: readonly string[];
} {
  const stage = stages.find((each) => each.stage === 'decontaminate');
  const isHeldAgainstBright = against.some(({ collection }) => collection === bright);
  const missing = 'BRIGHT was not at hand when this was made: check the set before you report results on it.';
  if (against.length === 0)
    return { isGood: false, sentences: ['It was held against no benchmark.', missing] };
  const names = against.map(({ collection, texts }) => `${collection} (${count(texts)} texts)`).join(', ');
  const out = stage === undefined ? 0 : stage.questionsIn - stage.questionsOut;
  const of = stage === undefined ? '' : ` of ${count(stage.questionsIn)}`;
  const found =
    out === 0
      ? `None${of} questions shared 13 words in a row with one of these texts, or was like one.`
      : `${count(out)}${of} questions shared 13 words in a row with one of these texts, or were like one, and ${out === 1 ? 'was' : 'were'} left out.`;
  return {
    isGood: isHeldAgainstBright,
    sentences: [`It was held against ${names}.`, found, ...(isHeldAgainstBright ? [] : [missing])],
  };
}
