import { Command, Option } from 'commander';
import { QuernError } from '../errors.ts';
import { scorings, type Scoring } from '../lexical/bm25.ts';
import { LexicalIndex } from '../lexical/lexical-index.ts';
import type { BatchSummary } from '../reason/batch.ts';
import { reasonBatch } from '../reason/batch.ts';
import { readBatchQueries } from '../reason/batch/batch-queries.ts';
import { reasonedRecord } from '../reason/reasoned-record.ts';
import type { ReasonedQuery, Reasoner } from '../reason/reasoner.ts';
import { preparedReasoner } from '../reason/reasoners.ts';
import { reasonSamples } from '../reason/samples.ts';
import { Warnings } from '../warnings.ts';
import { checkFolderOf } from '../whole-file.ts';
import { closeSoon } from './closing.ts';
import { interruptSignal } from './interrupt.ts';
import { checkQuestion, positiveInteger, shared } from './options.ts';
import { durationText, note, oneLine, print, printable, printJson, printWarnings } from './output.ts';
import { startBatchProgress } from './progress.ts';
import { reasonedFacts } from './reasoned-facts.ts';
import { addReasonerOptions, reasonerSettings, type ReasonerOptions } from './reasoner-options.ts';

interface Options extends ReasonerOptions {
  readonly reasoner: string;
  readonly index?: string;
  readonly scoring: Scoring;
  readonly samples: number;
  readonly batch?: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** `quern reason "question" --reasoner R`, `quern reason --batch FILE --out FILE --reasoner R` */
export function reasonCommand(): Command {
  const command = new Command('reason')
    .description('Show what a reasoner makes of a question, or of many.')
    .argument('[question]', 'the question')
    .addOption(shared.reasoner().makeOptionMandatory())
    .addOption(
      new Option('--samples <number>', 'how many reasoned queries, each with a seed of its own')
        .argParser(positiveInteger)
        .default(1, '1'),
    )
    .option('--batch <file>', 'many questions: JSONL with query or text, and _id or id where there is one')
    .option('--out <file>', 'where a batch is written, as JSONL; ended early, it goes on the next time')
    .option('--index <folder>', 'the index that rm3 learns from')
    .addOption(shared.scoring().default(scorings[0]));
  return addReasonerOptions(command)
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Examples:
  $ quern reason "why does my bread not rise" --reasoner llama:model.gguf
  $ quern reason "why does my bread not rise" --reasoner llama:TongSearch/TongSearch-QR-1.5B --deadline 20s --json
  $ quern reason "why does my bread not rise" --reasoner openai:qwen2.5:1.5b@http://localhost:11434/v1 --samples 3
  $ quern reason --batch queries.jsonl --out reasoned.jsonl --reasoner llama:checkpoint-150:q4_0 --parallel 8
  $ quern reason "why does my bread not rise" --reasoner rm3 --index notes.index`,
    )
    .action(run);
}

async function run(question: string | undefined, options: Options): Promise<void> {
  const { batch, out } = options;
  if ((question === undefined) === (batch === undefined)) {
    throw new QuernError('USAGE', 'give a question, or a file of them with --batch');
  }
  if ((batch === undefined) !== (out === undefined))
    throw new QuernError('USAGE', '--batch needs --out, and the other way round');
  if (question !== undefined) checkQuestion(question);
  if (out !== undefined) await checkFolderOf(out);
  const warnings = new Warnings();
  const prepare = await preparedReasoner(options.reasoner, await reasonerSettings(options, warnings));
  const index = options.index === undefined ? undefined : await LexicalIndex.open(options.index);
  try {
    const reasoner = prepare(index && { index, scoring: options.scoring });
    try {
      if (question !== undefined) await reasonQuestion(reasoner, question, options);
      else await reasonFile(reasoner, batch!, out!, options);
    } finally {
      await closeSoon(reasoner);
    }
  } finally {
    await index?.close();
    printWarnings(warnings);
  }
}

/** Exits with 1 where the reasoner failed: this command has nothing else to show. */
async function reasonQuestion(reasoner: Reasoner, question: string, options: Options): Promise<void> {
  const signal = interruptSignal();
  const { samples, json } = options;
  const streams = samples === 1 && !json && process.stdout.isTTY;
  const reasoned = streams
    ? [await streamed(reasoner, question, signal)]
    : await reasonSamples(reasoner, question, samples, { signal });
  for (const { failure, reasoner: name } of reasoned) {
    if (!failure) continue;
    note(`quern: ${name} failed: ${failure.message}`);
    process.exitCode = 1;
  }
  if (json) {
    const records = reasoned.map(reasonedRecord);
    printJson(samples === 1 ? records[0] : { query: question, reasoner: options.reasoner, samples: records });
    return;
  }
  for (const each of reasoned) {
    if (each.finish === 'failed') continue;
    if (each.text === '') note(`quern: ${each.reasoner} adds nothing: the question goes as it is`);
    else if (!streams) print(process.stdout.isTTY ? printable(each.text) : each.text);
    if (process.stderr.isTTY) note(`quern: ${reasonedFacts(each)}`);
  }
}

/** Prints the text as it comes. */
async function streamed(reasoner: Reasoner, question: string, signal: AbortSignal): Promise<ReasonedQuery> {
  if (!reasoner.stream) {
    const reasoned = await reasoner.reason(question, { signal });
    if (reasoned.text !== '') print(reasoned.text);
    return reasoned;
  }
  const pieces = reasoner.stream(question, { signal });
  let next = await pieces.next();
  for (; next.done !== true; next = await pieces.next()) process.stdout.write(printable(next.value));
  process.stdout.write('\n');
  return next.value;
}

async function reasonFile(reasoner: Reasoner, batch: string, out: string, options: Options): Promise<void> {
  const signal = interruptSignal();
  const queries = await readBatchQueries(batch, signal);
  const progress = startBatchProgress(queries.length * options.samples);
  const summary = await reasonBatch(reasoner, queries, {
    out,
    samples: options.samples,
    signal,
    onDone: (done, _, reasoned) => progress.update(done, reasoned.cached ? 0 : reasoned.completionTokens),
  }).finally(() => progress.stop());
  if (options.json) printJson({ reasoner: options.reasoner, out, ...summary });
  else print(`${oneLine(out)}: ${summaryLine(summary)}`);
}

function summaryLine(summary: BatchSummary): string {
  const { queries, resumed, failed, cached, cut, completionTokens, milliseconds, cost } = summary;
  const rate = (completionTokens / milliseconds) * 1000;
  const parts = [
    `${queries} queries in ${durationText(milliseconds)}`,
    `${completionTokens} tokens (${rate.toFixed(1)} a second)`,
    ...(resumed > 0 ? [`${resumed} done before`] : []),
    ...(cached > 0 ? [`${cached} from the cache`] : []),
    ...(cut > 0 ? [`${cut} cut at the most tokens`] : []),
    ...(failed > 0 ? [`${failed} FAILED`] : []),
    ...cost.map(({ amount, currency }) => `${amount.toFixed(4)} ${currency}`),
  ];
  return parts.join(', ');
}
