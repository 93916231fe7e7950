import { Command, Option } from 'commander';
import { parseMeasures, type Measure } from '../evaluate/measures.ts';
import { QuernError } from '../errors.ts';
import type { Scoring } from '../lexical/bm25.ts';
import { ablateNamed } from '../reward/ablate-named.ts';
import { Warnings } from '../warnings.ts';
import { ablationText } from './ablation-text.ts';
import { addEmbedderOptions, embedderSettings, type EmbedderCommandOptions } from './dense-options.ts';
import { interruptSignal } from './interrupt.ts';
import { listOf, parsed, positiveInteger, shared } from './options.ts';
import { orWarnings, print, printJson, printWarnings } from './output.ts';
import { rewardsHelp } from './rewards-help.ts';
import { startProgress } from './progress.ts';

interface Options extends EmbedderCommandOptions {
  readonly collection: string;
  readonly data?: string;
  readonly split?: string;
  readonly index?: string;
  readonly scoring?: Scoring;
  readonly retriever?: string;
  readonly reward: string[];
  readonly measure: Measure;
  readonly asQueries?: boolean;
  readonly seed: number;
  readonly json?: boolean;
}

/** `quern reward ablate FILE` */
export function rewardAblateCommand(): Command {
  const command = new Command('ablate')
    .description('Hold rewards of recorded completions against what they gain in a measure that counts.')
    .argument('<file>', 'JSONL of completions, several of each question (see below)')
    .requiredOption('--collection <collection>', 'whose questions they are of, as of quern eval')
    .addOption(shared.data())
    .option('--split <name>', 'of BEIR: qrels/NAME.tsv (default: test)')
    .option('--index <folder>', 'its index: opened if there is one, else built there')
    .addOption(shared.collectionScoring())
    .addOption(shared.retriever())
    .addOption(
      listOf(
        new Option(
          '--reward <reward>',
          'similarity:EMBEDDER, retrieval:MEASURE, lexical or mix:WEIGHT*REWARD,… (see below)',
        ),
        'lexical',
        'repeat it to compare several',
      ),
    )
    .addOption(
      new Option('--measure <name>', 'the measure that counts')
        .argParser(parsed(oneMeasure))
        .default(oneMeasure('ndcg@10'), 'ndcg@10'),
    )
    .option('--as-queries', 'embed questions and reasoned queries with the instruction for queries')
    .addOption(new Option('--seed <number>', 'of the intervals').argParser(positiveInteger).default(1, '1'));
  return addEmbedderOptions(command)
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Each line of the file is {"query": …, "completion": …}, a completion as the model wrote it. Where they are known there can
also be "id" (of the question; without it, the question is found by its text), "positives" (texts of documents that answer it;
without them, the relevant documents are taken), "positiveIds" (their ids in the index; without them, retrieval:MEASURE ranks
the texts as if they were documents more), "completionTokens" and "truncated". retrieval:MEASURE ranks in the collection's index,
retrieval:MEASURE:EMBEDDER among the positives of 12 questions at a time.

${rewardsHelp}

Examples:
  $ quern reward ablate completions.jsonl --collection beir:examples/collection --reward lexical --reward retrieval:rank
  $ quern reward ablate completions.jsonl --collection beir:my-data --index my.index \\
      --reward similarity:onnx:MODEL --reward 'mix:1*similarity:onnx:MODEL,-0.1*length:400,-1*copying' --json`,
    )
    .action(run);
}

function oneMeasure(name: string): Measure {
  const measures = parseMeasures([name]);
  if (measures.length === 1 && measures[0].summary === 'mean') return measures[0];
  throw new QuernError('USAGE', `${JSON.stringify(name)} is not one measure with a mean`);
}

async function run(file: string, { reward, asQueries, json, ...options }: Options): Promise<void> {
  const warnings = new Warnings();
  const signal = interruptSignal();
  const ablated = ablateNamed(file, {
    ...options,
    rewards: reward,
    settings: { asQueries, embedding: { ...embedderSettings(options, warnings), signal } },
    warnings,
    signal,
    onWork: startProgress,
  });
  const outcome = await orWarnings(ablated, warnings);
  printWarnings(warnings);
  if (json) printJson({ ...outcome, warnings: warnings.list() });
  else print(ablationText(outcome));
}
