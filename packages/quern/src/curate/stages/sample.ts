/** The seventh stage: takes so many questions of each domain, by lot. */
import type { QuestionSet } from '../question-set.ts';
import type { StageRecord } from '../stage-record.ts';

/**
 * Leaves `perDomain` questions of each domain, those with the least lots; all of them where it is not given. Which they
 * are follows from the set alone, so no list of the others is kept: there can be millions.
 */
export function sampleStage(
  set: QuestionSet,
  { perDomain = Infinity }: { readonly perDomain?: number },
): StageRecord {
  const { draws, domains } = set.facts;
  const before = set.left;
  const ofDomain = set.domainNames.map((): number[] => []);
  for (let n = 0; n < set.count; n++) if (set.dropped[n] === 0) ofDomain[domains[n]].push(n);
  for (const numbers of ofDomain) {
    if (numbers.length <= perDomain) continue;
    numbers.sort((a, b) => draws[a] - draws[b] || a - b);
    for (const n of numbers.slice(perDomain)) set.dropped[n] = 1;
  }
  const notDrawn = before - set.left;
  return {
    stage: 'sample',
    questionsIn: before,
    questionsOut: set.left,
    dropped: notDrawn > 0 ? { 'not drawn': notDrawn } : {},
    counts: {},
  };
}
