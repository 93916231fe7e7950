/** The seventh stage: takes so many questions of each domain, by lot. */
import { Dropping } from '../dropping.ts';
import type { QuestionSet } from '../question-set.ts';
import type { StageRecord } from '../stage-record.ts';

/** Leaves `perDomain` questions of each domain, those with the least lots; all of them where it is not given. */
export async function sampleStage(
  set: QuestionSet,
  folder: string,
  { perDomain }: { readonly perDomain?: number },
): Promise<StageRecord> {
  const dropping = new Dropping(set);
  const { draws, domains } = set.facts;
  if (perDomain !== undefined) {
    for (let domain = 0; domain < set.domainNames.length; domain++) {
      const left: number[] = [];
      for (let n = 0; n < set.count; n++) if (domains[n] === domain && set.dropped[n] === 0) left.push(n);
      left.sort((a, b) => draws[a] - draws[b] || a - b);
      for (const n of left.slice(perDomain)) {
        dropping.drop({ n, id: (await set.read(n)).id, reason: 'not drawn' });
      }
    }
  }
  return { stage: 'sample', ...(await dropping.finish(folder)), counts: {} };
}
