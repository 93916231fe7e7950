/** The eighth stage, where positives are to be reasoned: a strong reasoner answers each question that is left. */
import { join } from 'node:path';
import { readJsonl } from '../../collections/jsonl.ts';
import { QuernError } from '../../errors.ts';
import { reasonBatch } from '../../reason/batch.ts';
import type { BatchQuery } from '../../reason/batch/batch-queries.ts';
import type { Reasoner } from '../../reason/reasoner.ts';
import { oneLine } from '../../one-line.ts';
import { isUsableText } from '../../reason/usable-text.ts';
import { silentWork, type OnWork } from '../../work.ts';
import { Dropping } from '../dropping.ts';
import type { ProtectedTexts } from '../protected-texts.ts';
import type { QuestionSet } from '../question-set.ts';
import type { StageRecord } from '../stage-record.ts';

/** What a run may spend on the reasoner. */
export interface ReasonBudget {
  /** Of money, in the currency of the reasoner's prices; or of tokens that it writes. */
  readonly kind: 'money' | 'tokens';
  readonly amount: number;
}

/** How questions are reasoned about. */
export interface ReasonOptions {
  readonly reasoner: Reasoner;
  /** What the reasoned texts must not hold: a strong model may know benchmarks by heart. */
  readonly texts?: ProtectedTexts;
  readonly budget?: ReasonBudget;
  /** Leaves out the questions that the reasoner failed on; else they are an error, and the next run asks them again. */
  readonly leavesFailed?: boolean;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

const fileName = 'reasoned.jsonl';

/**
 * Asks the reasoner about every question that is left (the batch keeps each answer, so that a run that was broken off goes
 * on from there). Throws `BAD_REPLY` where it failed on some, `ABORTED` where the budget of this run is used up, and what
 * `reasonBatch` throws.
 */
export async function reasonStage(
  set: QuestionSet,
  folder: string,
  options: ReasonOptions,
): Promise<StageRecord> {
  const { reasoner, texts, budget, leavesFailed = false, signal, onWork } = options;
  const queries: BatchQuery[] = [];
  const numbers: number[] = [];
  for await (const { n, question } of set.all(signal)) {
    queries.push({ id: question.id, query: question.text });
    numbers.push(n);
  }
  const spent = { money: 0, tokens: 0 };
  let isUsedUp = false;
  let why: string | undefined;
  const within: Reasoner = {
    id: reasoner.id,
    parallel: reasoner.parallel,
    cacheKey: reasoner.cacheKey?.bind(reasoner),
    async reason(query, asked) {
      if (isUsedUp) throw new QuernError('ABORTED', 'the budget is used up');
      return reasoner.reason(query, asked);
    },
    close: () => Promise.resolve(),
  };
  let ended = 0;
  const work = onWork?.('reasoning about questions', queries.length) ?? silentWork;
  const out = join(folder, fileName);
  try {
    const summary = await reasonBatch(within, queries, {
      out,
      signal,
      onBegin(_, resumed) {
        ended = resumed;
      },
      onDone(done, _, { cached, completionTokens, cost, failure }) {
        why ??= failure?.message;
        ended = done;
        work.update(done);
        if (cached) return;
        spent.tokens += completionTokens;
        spent.money += cost?.amount ?? 0;
        if (!budget || spent[budget.kind] < budget.amount || done === queries.length) return;
        isUsedUp = true;
      },
    });
    if (summary.failed > 0 && !leavesFailed) throw failed(summary.failed, queries.length, reasoner.id, why);
    const dropping = new Dropping(set);
    let cut = 0;
    let at = 0;
    for await (const { record } of readJsonl(out)) {
      const n = numbers[at++];
      const { text, finish } = record as { text: string; finish: string };
      if (finish === 'length') cut++;
      const id = queries[at - 1].id!;
      if (finish === 'failed') dropping.drop({ n, id, reason: 'the reasoner failed' });
      else if (!isUsableText(text)) dropping.drop({ n, id, reason: 'the reasoner wrote no words' });
      else {
        const held = texts?.sharedRun(text);
        if (held) dropping.drop({ n, id, ...held, detail: `reasoned text: ${held.detail}` });
      }
    }
    return {
      stage: 'reason',
      ...(await dropping.finish(folder)),
      counts: { reasoned: queries.length, 'cut at the most tokens': cut },
    };
  } catch (error) {
    if (isUsedUp && error instanceof QuernError && error.code === 'ABORTED') {
      throw new QuernError(
        'ABORTED',
        `the budget of this run is used up, ${ended} of ${queries.length} questions answered`,
        {
          where: reasoner.id,
          hint: 'What was answered is kept: the same command goes on with a new budget',
          cause: error,
        },
      );
    }
    throw error;
  } finally {
    work.stop();
  }
}

function failed(count: number, of: number, reasoner: string, why?: string): QuernError {
  const first = why === undefined ? '' : ` (${oneLine(why)})`;
  return new QuernError('BAD_REPLY', `failed on ${count} of ${of} questions${first}`, {
    where: reasoner,
    hint: 'The same command asks these again; --leave-failed leaves them out',
  });
}

/** What was reasoned, by the numbers of the questions: of those that the stage was given, `numbers`. */
export async function readReasoned(
  folder: string,
  ids: ReadonlyMap<string, number>,
): Promise<Map<number, string>> {
  const texts = new Map<number, string>();
  for await (const { record } of readJsonl(join(folder, fileName))) {
    const { id, text } = record as { id: string; text: string };
    const n = ids.get(id);
    if (n !== undefined) texts.set(n, text.trim());
  }
  return texts;
}
