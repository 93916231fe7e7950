/** The fifth stage: leaves out questions that hold, or are like, texts of the benchmarks that a model is to be measured on. */
import { silentWork, type OnWork } from '../../work.ts';
import { Dropping } from '../dropping.ts';
import type { Contamination, ProtectedTexts } from '../protected-texts.ts';
import type { TextQuestion } from '../question.ts';
import type { QuestionSet } from '../question-set.ts';
import type { StageRecord } from '../stage-record.ts';

/** What is wrong with a question, and in which of its texts. */
function contaminationOf(
  { text, title, answers }: TextQuestion,
  texts: ProtectedTexts,
): (Contamination & { readonly in: string }) | undefined {
  const own = texts.sharedRun(text) ?? texts.alike(text, title);
  if (own) return { ...own, in: 'question' };
  for (const answer of answers) {
    const found = texts.sharedRun(answer.text);
    if (found) return { ...found, in: `answer ${answer.id}` };
  }
  return undefined;
}

/**
 * Leaves out a question that shares a run of 13 words with a protected text, itself or in any of its answers, or is like
 * one as a whole.
 */
export async function decontaminateStage(
  set: QuestionSet,
  folder: string,
  texts: ProtectedTexts,
  { signal, onWork }: { readonly signal?: AbortSignal; readonly onWork?: OnWork } = {},
): Promise<StageRecord> {
  const dropping = new Dropping(set);
  const work = onWork?.('looking for texts of benchmarks', set.count) ?? silentWork;
  try {
    if (texts.size > 0) {
      for await (const { n, question } of set.all(signal)) {
        const found = contaminationOf(question, texts);
        if (found) {
          const { in: place, detail, ...evidence } = found;
          const words = detail === undefined ? place : `${place}: ${detail}`;
          dropping.drop({ n, id: question.id, ...evidence, detail: words });
        }
        if (n % 64 === 0) work.update(n);
      }
    }
  } finally {
    work.stop();
  }
  return {
    stage: 'decontaminate',
    ...(await dropping.finish(folder)),
    counts: { 'protected texts': texts.size },
  };
}
