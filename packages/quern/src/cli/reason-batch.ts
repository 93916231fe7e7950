import { realpath } from 'node:fs/promises';
import { QuernError } from '../errors.ts';
import { reasonBatch, type BatchSummary } from '../reason/batch.ts';
import { readBatchQueries } from '../reason/batch/batch-queries.ts';
import type { Failure, Reasoner } from '../reason/reasoner.ts';
import { checkFolderOf } from '../whole-file.ts';
import { noteReasons } from './failure-notes.ts';
import { interruptSignal } from './interrupt.ts';
import { oneLine } from '../one-line.ts';
import { durationText, note, print, printJson } from './output.ts';
import { startBatchProgress } from './progress.ts';

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
  const queries = await readBatchQueries(batch, signal);
  const total = queries.length * samples;
  const failures: Failure[] = [];
  let ended = 0;
  const progress = startBatchProgress(total);
  try {
    const summary = await reasonBatch(reasoner, queries, {
      out,
      samples,
      settings,
      signal,
      onDone: (done, _, { cached, completionTokens, failure }) => {
        ended = done;
        if (failure) failures.push(failure);
        progress.update(done, cached ? 0 : completionTokens);
      },
    }).finally(() => progress.stop());
    if (json) printJson({ reasoner: options.reasoner, out, ...summary });
    else print(`${oneLine(out)}: ${summaryLine(summary)}`);
    if (summary.failed === 0) return;
    note(
      `quern: the reasoner failed ${summary.failed} of ${total} times; the same command asks those again:`,
    );
    noteReasons(failures);
    process.exitCode = 1;
  } catch (error) {
    const done = ended - failures.length;
    const isStopped = error instanceof QuernError && error.code === 'ABORTED';
    if (isStopped || ended > 0) {
      const failed = failures.length > 0 ? `, ${failures.length} failed` : '';
      note(`quern: ${done} of ${total} done${failed}; the same command goes on from there`);
      noteReasons(failures);
    }
    throw error;
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
