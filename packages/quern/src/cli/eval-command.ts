import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { collectionNames, logFile } from '../collections/collection.ts';
import { writeTrecRun } from '../collections/trec.ts';
import { fileError, QuernError } from '../errors.ts';
import { evaluateNamed, type NamedEvaluation } from '../evaluate/evaluate-named.ts';
import type { Measure } from '../evaluate/measures.ts';
import type { Evaluation } from '../evaluate/evaluation.ts';
import { EvaluationFolder } from '../evaluate/evaluation-folder.ts';
import { evaluationRecord, severalRecord } from '../evaluate/evaluation-record.ts';
import type { EvaluationRecord, SeveralRecord } from '../evaluate/evaluation-record.ts';
import { scorings, type Scoring } from '../lexical/bm25.ts';
import { defaultBackgroundPower } from '../search/background.ts';
import { combineName } from '../search/combine.ts';
import { planName } from '../search/plan-name.ts';
import { retrieverNamed } from '../search/retrievers.ts';
import { Warnings } from '../warnings.ts';
import { checkFolderOf } from '../whole-file.ts';
import { recordTable } from './evaluation-text.ts';
import { checkSaving, saveEvaluations } from './eval-saving.ts';
import { failuresInPart, noteReasons } from './failure-notes.ts';
import { wholeRecord } from './mean-record.ts';
import { warnOfIdleOptions } from './idle-options.ts';
import { interruptSignal } from './interrupt.ts';
import { addDenseOptions, denseSettings, embedderSettings, type DenseOptions } from './dense-options.ts';
import { checkIsFolder, listOf, shared } from './options.ts';
import { oneLine } from '../one-line.ts';
import { note, orWarnings, print, printJson, printWarnings } from './output.ts';
import {
  addPlanningOptions,
  backgroundTexts,
  bm25Parameters,
  planned,
  type PlanningOptions,
} from './planning-options.ts';
import { startProgress } from './progress.ts';
import { addReasonerOptions, reasonerSettings, type ReasonerOptions } from './reasoner-options.ts';
import { writeReport } from './report-file.ts';

interface Options extends ReasonerOptions, PlanningOptions, DenseOptions {
  readonly data?: string;
  readonly split?: string;
  readonly index?: string;
  readonly analyzer?: string;
  readonly scoring?: Scoring;
  readonly retriever?: string;
  readonly reasoner: string[];
  readonly k: number;
  readonly measures: Measure[];
  readonly run?: string;
  readonly save?: string;
  readonly replace?: boolean;
  readonly html?: string;
  readonly json?: boolean;
}

/** `quern eval COLLECTION` */
export function evalCommand(): Command {
  const command = new Command('eval')
    .description('Measure retrieval on a test collection.')
    .argument(
      '<collection>',
      'bright:SUBSET, bright-pro:SUBSET, r2med:SUBSET, rar-b:TASK (or :all of them), beir:FOLDER or log:FILE',
    )
    .addOption(shared.data())
    .option('--split <name>', 'of BEIR: qrels/NAME.tsv (default: test); of a log: train, test, unseen or all')
    .option(
      '--index <index>',
      'its index: opened if there is one, else built there (with :all: one folder a subset in it); a log needs one; or opensearch:INDEX@URL',
    )
    .addOption(shared.analyzer())
    .addOption(shared.collectionScoring())
    .addOption(shared.retriever())
    .addOption(listOf(shared.reasoner(), 'none', 'repeat it to compare others with the first'))
    .addOption(shared.k(1000))
    .addOption(shared.measures('ndcg@10,map,recip_rank,recall@100,recall@1000'))
    .option('--run <file>', 'write the rankings as a TREC run')
    .option(
      '--save <folder>',
      'save rankings, judgements, questions, reasoned queries and measures in a new folder; of several reasoners or collections, a folder each in it',
    )
    .option('--replace', 'let --save replace an evaluation that was saved there')
    .addOption(shared.html());
  return addReasonerOptions(addPlanningOptions(addDenseOptions(command)))
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Examples:
  $ quern eval beir:examples/collection --reasoner rm3
  $ quern eval bright:theoremqa_theorems --data DATA --reasoner file:TongSearch-QR-7B.json.gz --json
  $ quern eval r2med:all --data DATA --index r2med-indexes
  $ quern eval beir:textbooks --split reasoned-test --data DATA --scoring bm25q --run bm25q.trec --html report.html
  $ quern eval beir:examples/collection --reasoner none --reasoner rm3
  $ quern eval bright:all --data DATA --index bright-indexes --reasoner rm3 --save runs/bright-rm3
  $ quern eval beir:nfcorpus --data DATA --index nf.index --retriever hybrid:bm25+dense:onnx:Xenova/all-MiniLM-L6-v2
  $ quern eval beir:nfcorpus --data DATA --index opensearch:nfcorpus@http://localhost:9200 --scoring bm25q
  $ quern eval log:queries.tsv.gz --index my.index --reasoner rm3 --reasoner file:reasoned.json`,
    )
    .action(run);
}

async function run(name: string, options: Options): Promise<void> {
  const names = collectionNames(name);
  if (names.length > 1) {
    for (const flag of ['run', 'html'] as const) {
      if (options[flag] === undefined) continue;
      throw new QuernError('USAGE', `--${flag} is for one collection, and ${name} is ${names.length}`, {
        hint: 'Evaluate its collections one by one',
      });
    }
  }
  const reasoners = reasonersOf(name, options);
  const isSeveral = options.reasoner.length > 1 || logFile(name) !== undefined;
  if (options.html !== undefined && options.measures.every(({ summary }) => summary === 'sum')) {
    throw new QuernError('USAGE', 'a report needs a measure that is a mean, such as ndcg@10');
  }
  if (options.run !== undefined && options.reasoner.length > 1) {
    throw new QuernError('USAGE', '--run is for one reasoner', { hint: 'Write the runs one by one' });
  }
  if (options.run !== undefined && options.run === options.html) {
    throw new QuernError('USAGE', '--run and --html name the same file');
  }
  checkSaving(options);
  for (const file of [options.run, options.html]) if (file !== undefined) await checkFolderOf(file);
  if (names.length > 1 && options.index !== undefined) {
    checkIsFolder(options.index, '--index');
    await mkdir(options.index, { recursive: true }).catch((error: unknown) => {
      throw fileError(error, options.index!);
    });
  }
  const warnings = new Warnings();
  const reasoning = await reasonerSettings(options, warnings);
  const parameters = bm25Parameters(options);
  const texts = await backgroundTexts(options.background);
  const background = texts && { texts, power: options.backgroundPower ?? defaultBackgroundPower };
  const retriever = retrieverNamed(options.retriever ?? options.scoring ?? scorings[0]);
  warnOfIdleOptions(options, reasoners, retriever, warnings);
  const folder =
    options.save === undefined ? undefined : await EvaluationFolder.create(options.save, options);
  try {
    const plan = await planned(options, warnings);
    const saving = folder && { folder, parameters, plan: planName({ ...plan, background }) };
    const signal = interruptSignal();
    const records: (EvaluationRecord | SeveralRecord)[] = [];
    for (const each of names) {
      const index = names.length > 1 && options.index ? join(options.index, subfolder(each)) : options.index;
      const evaluated = evaluateNamed(
        each,
        {
          ...options,
          plan,
          dense: { ...denseSettings(options), embedder: embedderSettings(options, warnings) },
          parameters,
          background,
          reasoning,
          index,
          // A report shows the titles of hits, rounds show the model passages, and a reranker reads them.
          store: options.html !== undefined || (options.rounds ?? 1) > 1 || options.rerank !== undefined,
          reasoners,
          warnings,
          signal,
          onWork: startProgress,
        },
        async (outcome) => {
          const record = await written(outcome, options, isSeveral ? reasoners : undefined);
          const named = names.length > 1 ? [subfolder(each)] : [];
          if (saving) await saveEvaluations(outcome, record, { ...options, ...saving, names: named });
          return record;
        },
      );
      const record = await orWarnings(evaluated, warnings).catch(async (error: unknown) => {
        await plan.rerank?.reranker.close();
        throw error;
      });
      records.push(record);
      if (names.length > 1 && !options.json) print(recordTable([record], options.measures));
    }
    await plan.rerank?.reranker.close();
    printWarnings(warnings);
    const whole = names.length > 1 ? wholeRecord(name, records, options.measures) : records[0];
    const all = { ...whole, ...(names.length > 1 && { subsets: records }) };
    if (folder) {
      await folder.finish(all);
      note(`quern: saved in ${options.save}`);
    }
    if (options.json) printJson({ ...all, warnings: warnings.list() });
    else print(recordTable([whole], options.measures));
  } finally {
    await folder?.discard();
  }
}

/** The reasoners to run, the baseline first. */
function reasonersOf(collection: string, { reasoner: named, html }: Options): string[] {
  const twice = named.find((each, i) => named.indexOf(each) < i);
  if (twice !== undefined) throw new QuernError('USAGE', `--reasoner ${oneLine(twice)} is given twice`);
  // What reasoning changes is told against the run without it, in a report and of traffic.
  const needsNone = logFile(collection) !== undefined || (named.length === 1 && html !== undefined);
  return needsNone ? ['none', ...named.filter((each) => each !== 'none')] : named;
}

/** The folder of one collection's index among others': `biology`, `biology-long`. */
function subfolder(name: string): string {
  return name.slice(name.indexOf(':') + 1).replaceAll(':', '-');
}

/** Writes what was asked for, and returns the record to print: of all runs if `several` names their reasoners. */
async function written(
  outcome: NamedEvaluation,
  options: Options,
  several: readonly string[] | undefined,
): Promise<EvaluationRecord | SeveralRecord> {
  const { collection, evaluations } = outcome;
  const last = evaluations[evaluations.length - 1];
  const combine = combineName(options.combine);
  const all = several && severalRecord(outcome, several, combine, options.measures);
  if (options.html !== undefined) {
    await writeReport(options.html, outcome, options.measures, {}, all?.traffic);
    note(`quern: wrote ${options.html}`);
  }
  if (options.run !== undefined) {
    await writeTrecRun(options.run, last.run);
    note(`quern: wrote ${options.run}`);
  }
  if (several) for (const each of evaluations) notePlainTopics(each, `${collection.name} ${each.run.name}`);
  else notePlainTopics(last, collection.name);
  return all ?? evaluationRecord(outcome, last, options.reasoner[0], combine);
}

/** Says how many topics were searched as they are, because the reasoner failed or had no term of the index in its text. */
function notePlainTopics({ answers }: Evaluation, collection: string): void {
  const failures = answers.flatMap(({ reasoned }) => reasoned.failure ?? []);
  if (failures.length > 0) {
    const share = `${failures.length} of ${answers.length} topics`;
    note(`quern: ${collection}: the reasoner failed for ${share}, which were searched as they are:`);
    noteReasons(failures);
  }
  const unread = answers.flatMap(({ reranking }) => reranking?.failure ?? []);
  if (unread.length > 0) {
    note(`quern: ${collection}: ${unread.length} of ${answers.length} topics were not reranked:`);
    noteReasons(unread);
  }
  const inPart = answers.map(failuresInPart).filter((each) => each.length > 0);
  if (inPart.length > 0) {
    const share = `${inPart.length} of ${answers.length} topics`;
    note(
      `quern: ${collection}: a part of the reasoning failed for ${share}, which were searched with the rest:`,
    );
    noteReasons(inPart.flat());
  }
  const plain = answers.filter(
    ({ reasoned, searches }) =>
      (reasoned.finish === 'stop' || reasoned.finish === 'length') &&
      searches.length === 1 &&
      searches[0].from === 'query',
  );
  if (plain.length === 0) return;
  const share = `${plain.length} of ${answers.length} topics`;
  note(
    `quern: ${collection}: the reasoned query has no term of the index for ${share}, which were searched as they are`,
  );
}
