import { Command, Option } from 'commander';
import { QuernError } from '../errors.ts';
import { scorings, type Scoring } from '../lexical/bm25.ts';
import { LexicalIndex } from '../lexical/lexical-index.ts';
import { reasonedRecord } from '../reason/reasoned-record.ts';
import type { ReasonedQuery, Reasoner } from '../reason/reasoner.ts';
import { preparedReasoner } from '../reason/reasoners.ts';
import { reasonSamples } from '../reason/samples.ts';
import { Warnings } from '../warnings.ts';
import { closeSoon } from './closing.ts';
import { interruptSignal } from './interrupt.ts';
import { durationNamed } from '../durations.ts';
import { checkQuestion, parsed, positiveInteger, shared } from './options.ts';
import { note, print, printable, printJson, printWarnings } from './output.ts';
import { checkBatchFiles, reasonFile } from './reason-batch.ts';
import { failureLine, reasonedFacts } from './reasoned-facts.ts';
import { addReasonerOptions, reasonerSettings, type ReasonerOptions } from './reasoner-options.ts';

interface Options extends ReasonerOptions {
  readonly reasoner: string;
  readonly index?: string;
  readonly scoring: Scoring;
  readonly samples: number;
  readonly batch?: string;
  readonly out?: string;
  readonly outage?: number;
  readonly json?: boolean;
}

const mostSamples = 10_000;

/** How long a batch waits for one of several servers, in milliseconds: as long as one takes to load a model anew. */
const batchOutage = 300_000;

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
    .addOption(
      new Option(
        '--outage <time>',
        'of several servers: how long none may answer, e.g. 30s or 1h (default: 10s, of a batch 5m)',
      ).argParser(parsed(durationNamed)),
    )
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
  $ quern reason --batch queries.jsonl --out reasoned.jsonl --parallel 64 --outage 1h \\
      --reasoner openai:tongsearch-qr-7b@http://gpu1:8000/v1,http://gpu2:8000/v1,http://gpu3:8000/v1
  $ quern reason "why does my bread not rise" --reasoner rm3 --index notes.index`,
    )
    .action(run);
}

async function run(question: string | undefined, options: Options): Promise<void> {
  const { batch, out } = options;
  if (question !== undefined && batch !== undefined) {
    throw new QuernError('USAGE', 'give a question or --batch, not both');
  }
  if (options.samples > mostSamples) throw new QuernError('USAGE', `--samples is at most ${mostSamples}`);
  if (batch !== undefined && out === undefined) throw new QuernError('USAGE', '--batch needs --out');
  if (batch === undefined && out !== undefined) throw new QuernError('USAGE', '--out needs --batch');
  if (batch !== undefined) await checkBatchFiles(batch, out!);
  else if (question === undefined) {
    throw new QuernError('USAGE', 'give a question, or a file of them with --batch');
  } else checkQuestion(question);
  const warnings = new Warnings();
  const prepare = await preparedReasoner(options.reasoner, {
    ...(await reasonerSettings(options, warnings)),
    outage: options.outage ?? (batch === undefined ? undefined : batchOutage),
  });
  const index = options.index === undefined ? undefined : await LexicalIndex.open(options.index);
  try {
    const reasoner = prepare(index && { index, scoring: options.scoring });
    try {
      if (question !== undefined) await reasonQuestion(reasoner, question, options);
      else {
        await reasonFile(reasoner, {
          ...options,
          batch: batch!,
          out: out!,
          settings: index && JSON.stringify([index.analyzer, index.statistics, options.scoring]),
        });
      }
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
    note(`quern: ${failureLine(name, failure)}`);
    process.exitCode = 1;
  }
  if (json) {
    const records = reasoned.map(reasonedRecord);
    printJson(samples === 1 ? records[0] : { query: question, reasoner: options.reasoner, samples: records });
    return;
  }
  for (const [sample, each] of reasoned.entries()) {
    if (each.finish === 'failed') continue;
    if (samples > 1) print(`--- sample ${sample + 1} ---`);
    if (each.text === '') note(`quern: ${each.reasoner} adds nothing: the question goes as it is`);
    else if (!streams) printText(each.text);
    if (each.completionTokens > 0) note(`quern: ${reasonedFacts(each)}`);
  }
}

/** Prints what a model wrote: a terminal is spared what could steer it, and a file or another program has it as it is. */
function printText(text: string): void {
  process.stdout.write(`${process.stdout.isTTY ? printable(text) : text}\n`);
}

/** Prints the text as it comes. */
async function streamed(reasoner: Reasoner, question: string, signal: AbortSignal): Promise<ReasonedQuery> {
  if (!reasoner.stream) {
    const reasoned = await reasoner.reason(question, { signal });
    if (reasoned.text !== '') printText(reasoned.text);
    return reasoned;
  }
  const pieces = reasoner.stream(question, { signal });
  let next = await pieces.next();
  for (; next.done !== true; next = await pieces.next()) process.stdout.write(printable(next.value));
  process.stdout.write('\n');
  return next.value;
}
