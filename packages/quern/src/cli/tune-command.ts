import { Command, InvalidArgumentError, Option } from 'commander';
import { collectionNames } from '../collections/collection.ts';
import { QuernError } from '../errors.ts';
import { parseMeasures, type Measure } from '../evaluate/measures.ts';
import { tuneNamed, type NamedTuning } from '../evaluate/tune-named.ts';
import type { Scoring } from '../lexical/bm25.ts';
import { writeGateRecord } from '../search/gate-file.ts';
import { ruleText } from '../search/gate-rule.ts';
import { Warnings } from '../warnings.ts';
import { checkFolderOf } from '../whole-file.ts';
import { noteReasons } from './failure-notes.ts';
import { interruptSignal } from './interrupt.ts';
import { checkIsFolder, parsed, positiveInteger, shared } from './options.ts';
import { note, orWarnings, print, printJson, printWarnings } from './output.ts';
import { backgroundTexts, bm25Parameters, weighing } from './planning-options.ts';
import { startProgress } from './progress.ts';
import { addReasonerOptions, reasonerSettings, type ReasonerOptions } from './reasoner-options.ts';
import { tuningText } from './tuning-text.ts';

interface Options extends ReasonerOptions {
  readonly data?: string;
  readonly split?: string;
  readonly index?: string;
  readonly analyzer?: string;
  readonly scoring?: Scoring;
  readonly k1: number;
  readonly b: number;
  readonly background?: string;
  readonly reasoner: string;
  readonly measure: Measure;
  readonly folds: number;
  readonly foldSeed: number;
  readonly worth: number;
  readonly out?: string;
  readonly json?: boolean;
}

/** `quern tune COLLECTION` */
export function tuneCommand(): Command {
  const command = new Command('tune')
    .description('Find the best combination and a gate for a reasoner, by cross-validation.')
    .argument(
      '<collection>',
      'bright:SUBSET, bright-pro:SUBSET, r2med:SUBSET, rar-b:TASK, beir:FOLDER or log:FILE',
    )
    .addOption(shared.data())
    .option('--split <name>', 'judgements of a BEIR collection: qrels/NAME.tsv (default: test)')
    .option('--index <folder>', 'its index: opened if there is one, else built there')
    .addOption(shared.analyzer())
    .addOption(shared.collectionScoring())
    .addOption(weighing.k1())
    .addOption(weighing.b())
    .addOption(shared.reasoner().makeOptionMandatory())
    .addOption(weighing.background())
    .addOption(
      new Option('--measure <name>', 'the measure to tune by')
        .argParser(parsed(oneMeasure))
        .default(oneMeasure('ndcg@10'), 'ndcg@10'),
    )
    .addOption(
      new Option('--folds <number>', 'folds of the cross-validation').argParser(foldCount).default(5, '5'),
    )
    .addOption(
      new Option('--fold-seed <number>', 'another number deals the topics into other folds')
        .argParser(positiveInteger)
        .default(1, '1'),
    )
    .addOption(
      new Option('--worth <gain>', 'the least gain in the measure for which a question is reasoned about')
        .argParser(gainOf)
        .default(0, '0'),
    )
    .option('--out <file>', 'write the gate, for search and eval --gate');
  return addReasonerOptions(command)
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Examples:
  $ quern tune beir:examples/collection --reasoner rm3
  $ quern tune beir:notes --split train --reasoner llama:model.gguf --worth 0.02 --out notes.gate.json
  $ quern tune bright:biology --data DATA --reasoner file:reasoned.json --json`,
    )
    .action(run);
}

async function run(name: string, options: Options): Promise<void> {
  if (options.index !== undefined) checkIsFolder(options.index, '--index');
  if (collectionNames(name).length > 1) {
    throw new QuernError('USAGE', `${name} is several collections`, { hint: 'Tune on them one by one' });
  }
  if (options.out !== undefined) await checkFolderOf(options.out);
  const warnings = new Warnings();
  const tuned = tuneNamed(name, {
    ...options,
    parameters: bm25Parameters(options),
    background: await backgroundTexts(options.background),
    // The option of this name is the reasoner's.
    seed: options.foldSeed,
    reasoning: await reasonerSettings(options, warnings),
    warnings,
    signal: interruptSignal(),
    onWork: startProgress,
  });
  const tuning = await orWarnings(tuned, warnings);
  if (options.out !== undefined) {
    await writeGateRecord(options.out, tuning.gateRecord);
    note(`quern: wrote ${options.out}`);
  }
  noteFailures(tuning);
  printWarnings(warnings);
  if (options.json) printJson({ ...tuningRecord(tuning), warnings: warnings.list() });
  else print(tuningText(tuning, options));
}

/** What `--json` prints, but for the warnings. */
function tuningRecord({
  collection,
  scoring,
  combination,
  gate,
  gateRecord,
  reasoning,
}: NamedTuning): object {
  const { place: _, crossValidation, repeated, ...chosen } = combination;
  const { topics, reasoner, measure, worth, folds, seed } = gateRecord.calibration;
  return {
    collection,
    reasoner,
    scoring,
    measure,
    queries: topics,
    folds,
    foldSeed: seed,
    worth,
    combination: { ...chosen, outOfFoldValues: crossValidation.values, repeated },
    gate: {
      text: ruleText(gate.rule),
      rule: gate.rule,
      evidence: gate.evidence,
      rules: gate.rules.map(ruleText),
    },
    reasoning,
  };
}

function noteFailures({ reasoned, collection }: NamedTuning): void {
  const failures = reasoned.flatMap(({ failure }) => failure ?? []);
  if (failures.length === 0) return;
  const share = `${failures.length} of ${reasoned.length} topics`;
  note(`quern: ${collection}: the reasoner failed for ${share}, which count as the question alone:`);
  noteReasons(failures);
}

function oneMeasure(text: string): Measure {
  const measures = parseMeasures([text]);
  if (measures.length !== 1) throw new QuernError('USAGE', 'it must name one measure');
  if (measures[0].summary === 'sum') throw new QuernError('USAGE', 'it is a count, not a measure to tune by');
  return measures[0];
}

function foldCount(text: string): number {
  const value = positiveInteger(text);
  if (value < 2) throw new InvalidArgumentError('It must be 2 or more.');
  return value;
}

function gainOf(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(Math.abs(value) <= 1e100)) {
    throw new InvalidArgumentError('It must be a number from -1e100 to 1e100.');
  }
  return value;
}
