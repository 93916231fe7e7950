/** The sixth stage: leaves out questions without answers that can be positives. */
import { silentWork, type OnWork } from '../../work.ts';
import { Dropping } from '../dropping.ts';
import { positivesOf, type PositiveSettings } from '../positives.ts';
import type { QuestionSet } from '../question-set.ts';
import type { StageRecord } from '../stage-record.ts';

/** Leaves out questions of whose answers none is a positive (`positivesOf`). */
export async function positivesStage(
  set: QuestionSet,
  folder: string,
  settings: PositiveSettings & { readonly signal?: AbortSignal; readonly onWork?: OnWork },
): Promise<StageRecord> {
  const dropping = new Dropping(set);
  let positives = 0;
  const work = settings.onWork?.('choosing positives', set.count) ?? silentWork;
  try {
    for await (const { n, question } of set.all(settings.signal)) {
      const { answers, none } = positivesOf(question.answers, settings);
      positives += answers.length;
      if (none !== undefined) {
        const detail = question.answers.map(({ preference }) => preference ?? '?').join(', ');
        dropping.drop({
          n,
          id: question.id,
          reason: none,
          ...(detail !== '' && { detail: `scores ${detail.slice(0, 100)}` }),
        });
      }
      if (n % 64 === 0) work.update(n);
    }
  } finally {
    work.stop();
  }
  return { stage: 'positives', ...(await dropping.finish(folder)), counts: { positives } };
}
