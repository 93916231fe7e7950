import { realpath } from 'node:fs/promises';
import { QuernError } from '../errors.ts';
import { reasonBatch, type BatchSummary } from '../reason/batch.ts';
import { batchQueriesIn } from '../reason/batch/batch-queries.ts';
import type { ServerStanding } from '../models/openai/server-pool.ts';
import type { Reasoner } from '../reason/reasoner.ts';
import { checkFolderOf } from '../whole-file.ts';
import { FailureCounts } from './failure-notes.ts';
import { interruptSignal } from './interrupt.ts';
import { oneLine } from '../one-line.ts';
import { durationText, note, print, printJson } from './output.ts';
import { startBatchProgress, type BatchProgress } from './batch-progress.ts';

/** What `quern reason --batch` is told. */
export interface BatchArguments {
  readonly reasoner: string;
  readonly batch: string;
  readonly out: string;
  readonly samples: number;
  /** What the reasoner depends on that it does not tell: the index that rm3 learns from. */
  readonly settings?: string;
  readonly json?: boolean;
}

/** Throws unless `out` can be the file that the batch in `batch` is written to, as far as their names tell. */
export async function checkBatchFiles(batch: string, out: string): Promise<void> {
  await checkFolderOf(out);
  const [from, to] = await Promise.all([batch, out].map((path) => realpath(path).catch(() => undefined)));
  if (from === undefined || from !== to) return;
  throw new QuernError('USAGE', '--out names the file of the questions', {
    where: out,
    hint: 'Choose another file',
  });
}

/** Reasons about a file of questions. Exits with 1 where the reasoner failed for some. */
export async function reasonFile(reasoner: Reasoner, options: BatchArguments): Promise<void> {
  const { batch, out, samples, settings, json } = options;
  const signal = interruptSignal();
  const queries = await batchQueriesIn(batch, signal);
  const failures = new FailureCounts();
  let total = 0;
  let ended = 0;
  let progress: BatchProgress | undefined;
  try {
    const summary = await reasonBatch(reasoner, queries, {
      out,
      samples,
      settings,
      signal,
      onBegin(calls, resumed) {
        total = calls;
        ended = resumed;
        progress = startBatchProgress(calls, resumed, () => reasoner.servers);
      },
      onDone: (done, _, { cached, completionTokens, failure }) => {
        ended = done;
        if (failure) failures.add(failure);
        progress?.add({ tokens: cached ? 0 : completionTokens, isFailed: failure !== undefined });
      },
    }).finally(() => progress?.stop());
    const { servers } = reasoner;
    if (json) printJson({ reasoner: options.reasoner, out, ...summary, ...(servers && { servers }) });
    else print(`${oneLine(out)}: ${summaryLine(summary)}`);
    noteServers(servers);
    if (summary.failed === 0) return;
    note(
      `quern: the reasoner failed ${summary.failed} of ${total} times; the same command asks those again:`,
    );
    failures.note();
    process.exitCode = 1;
  } catch (error) {
    const isStopped = error instanceof QuernError && ['ABORTED', 'UNAVAILABLE'].includes(error.code);
    if (total > 0 && (isStopped || ended > 0)) {
      const failed = failures.count > 0 ? `, ${failures.count} failed` : '';
      note(`quern: ${ended - failures.count} of ${total} done${failed}; the same command goes on from there`);
      failures.note();
    }
    throw error;
  }
}

/** Says what each of several servers did. */
function noteServers(servers: readonly ServerStanding[] | undefined): void {
  for (const { name, answered, failed, state, why } of servers ?? []) {
    const faults = failed > 0 ? `, ${failed} came to nothing` : '';
    const out = state === 'in' ? '' : `; ${state}${why === undefined ? '' : `: ${why}`}`;
    note(`quern: ${name}: ${answered} answered${faults}${out}`);
  }
}

/** What a batch came to, on one line. */
function summaryLine(summary: BatchSummary): string {
  const { queries, resumed, failed, cached, cut, completionTokens, milliseconds, cost } = summary;
  const rate = (completionTokens / milliseconds) * 1000;
  const parts = [
    `${queries} ${queries === 1 ? 'query' : 'queries'} in ${durationText(milliseconds)}`,
    ...(completionTokens > 0 ? [`${completionTokens} tokens (${rate.toFixed(1)} a second)`] : []),
    ...(resumed > 0 ? [`${resumed} done before`] : []),
    ...(cached > 0 ? [`${cached} from the cache`] : []),
    ...(cut > 0 ? [`${cut} cut at the most tokens`] : []),
    ...(failed > 0 ? [`${failed} FAILED`] : []),
    ...cost
      .filter(({ amount }) => amount > 0)
      .map(({ amount, currency }) => `${amount.toFixed(4)} ${currency}`),
  ];
  return parts.join(', ');
}
