import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { curate, type CurateResult } from '../curate/curate.ts';
import { positiveKinds, type PositiveKind } from '../curate/curate-options.ts';
import { stageNames, type StageName } from '../curate/stage-record.ts';
import type { ReasonBudget } from '../curate/stages/reason.ts';
import { QuernError, type QuernErrorCode } from '../errors.ts';
import { preparedReasoner } from '../reason/reasoners.ts';
import type { Reasoner } from '../reason/reasoner.ts';
import { Warnings } from '../warnings.ts';
import { closeSoon } from './closing.ts';
import { curationText, stageLine } from './curation-text.ts';
import { interruptSignal } from './interrupt.ts';
import { listedText, numberFrom, parsed, positiveInteger, shared } from './options.ts';
import { note, orWarnings, print, printJson, printWarnings } from './output.ts';
import { startProgress } from './progress.ts';
import { addReasonerOptions, reasonerSettings, type ReasonerOptions } from './reasoner-options.ts';

interface Options extends ReasonerOptions {
  readonly out: string;
  readonly positives: PositiveKind;
  readonly reasoner?: string;
  readonly budget?: ReasonBudget;
  readonly leaveFailed?: boolean;
  readonly domains?: readonly string[] | 'all';
  readonly perDomain?: number | 'all';
  readonly against: readonly string[];
  readonly retrieval?: string;
  readonly site: readonly string[];
  readonly corpus?: string;
  readonly language?: string;
  readonly maxCharacters?: number;
  readonly minCharacters?: number;
  readonly similarity?: number;
  readonly maxPositives?: number;
  readonly minScore?: number;
  readonly scoreGap?: number;
  readonly validation?: number;
  readonly test?: number;
  readonly think?: boolean;
  readonly candidates?: number;
  readonly until?: StageName;
  readonly keep?: boolean;
  readonly data?: string;
  readonly json?: boolean;
}

/** Errors after which the same command can go on. */
const passing = new Set<QuernErrorCode>([
  'ABORTED',
  'BAD_REPLY',
  'DENIED',
  'DISK_FULL',
  'IO',
  'NETWORK',
  'TIMEOUT',
]);

/** `quern curate SOURCE… --out FOLDER` */
export function curateCommand(): Command {
  const command = new Command('curate')
    .description('Make a training set of questions and their answers.')
    .argument(
      '<source...>',
      'a folder with Posts.xml, a .7z, Parquet of the preferences data, JSONL, log:FILE, or owner/name on the hub',
    )
    .requiredOption('--out <folder>', 'the folder of the data set')
    .addOption(
      new Option('--positives <kind>', 'the answers of the data, those that a reasoner writes, or both')
        .choices(positiveKinds)
        .default(positiveKinds[0]),
    )
    .addOption(shared.reasoner())
    .addOption(
      new Option(
        '--budget <amount>',
        'the most that a run spends on the reasoner, e.g. 5 (of its prices) or 2000000tokens',
      ).argParser(parsed(budgetNamed)),
    )
    .option('--leave-failed', 'leave out questions that the reasoner failed on; else they are an error')
    .addOption(
      new Option(
        '--domains <names>',
        "between commas, or all (default: the paper's nine for the preferences data, else all)",
      ).argParser(parsed(allOr(listedText))),
    )
    .addOption(
      new Option(
        '--per-domain <number>',
        'questions of a domain, or all (default: 1200 for Stack Exchange, else all)',
      ).argParser(parsed(allOr(positiveInteger))),
    )
    .addOption(
      new Option(
        '--candidates <factor>',
        'how many times --per-domain questions are looked at, to draw from (default: 8)',
      ).argParser(positiveInteger),
    )
    .addOption(
      new Option(
        '--against <collection>',
        'what the data is to be free of, beside bright:all; may be repeated',
      )
        .argParser(collected)
        .default([], 'none'),
    )
    .option('--retrieval <folder>', 'write the questions as a BEIR collection too: answers as documents')
    .addOption(
      new Option('--site <host>', 'the site of a dump, e.g. beer.stackexchange.com; one for each dump')
        .argParser(collected)
        .default([], 'told by its name'),
    )
    .option('--corpus <path>', 'the documents that a query log is about')
    .addOption(
      new Option('--language <code>', 'ISO 639-1, or any (default: en for Stack Exchange, else any)'),
    )
    .addOption(
      new Option('--max-characters <number>', 'the longest question (default: 16000)').argParser(
        positiveInteger,
      ),
    )
    .addOption(
      new Option(
        '--min-characters <number>',
        'the shortest question (default: 50 for Stack Exchange, else 1)',
      ).argParser(positiveInteger),
    )
    .addOption(
      new Option(
        '--similarity <share>',
        'of shingles in common, from which questions are the same (default: 0.7)',
      ).argParser(numberFrom(0)),
    )
    .addOption(
      new Option('--max-positives <number>', 'of a question (default: 5)').argParser(positiveInteger),
    )
    .addOption(
      new Option(
        '--min-score <number>',
        'of a positive: log2(1 + votes), 1 more if accepted (default: 1 for Stack Exchange, else 0)',
      ).argParser(numberFrom(-1)),
    )
    .addOption(
      new Option('--score-gap <number>', 'how far below the best positive others may be').argParser(
        numberFrom(0),
      ),
    )
    .addOption(
      new Option('--validation <share>', 'of the questions (default: 0.05)').argParser(numberFrom(0)),
    )
    .addOption(new Option('--test <share>', 'of the questions (default: 0.05)').argParser(numberFrom(0)))
    .option('--think', 'prompts that ask for <think> and <answer>')
    .addOption(
      new Option('--until <stage>', 'stop after a stage, and leave what is done in OUT.work').choices(
        stageNames,
      ),
    )
    .option('--keep', 'leave the work of all stages in OUT.work');
  addReasonerOptions(command);
  const seed = command.options.find(({ long }) => long === '--seed')!;
  seed.description = 'draws other questions, and other samples of a language model (default: 0)';
  return command
    .addOption(shared.data())
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Stages: ${stageNames.join(', ')}. Broken off at any moment, the same command goes on.

Examples:
  $ quern curate beer.stackexchange.com.7z --out beer
  $ quern curate dumps/ --out sites --retrieval sites-retrieval --against beir:my-benchmark
  $ quern curate HuggingFaceH4/stack-exchange-preferences --out paper
  $ quern curate questions.jsonl --out own --min-characters 10
  $ quern curate log:searches.tsv --corpus documents.jsonl --out searches
  $ quern curate beer/ --out beer-v1 --positives reasoned --reasoner openai:qwq-32b@http://localhost:8000/v1 --budget 5`,
    )
    .action(run);
}

async function run(sources: string[], options: Options): Promise<void> {
  const warnings = new Warnings();
  warnOfIdleReasonerOptions(options, warnings);
  if (options.candidates !== undefined && options.retrieval !== undefined) {
    throw new QuernError('USAGE', '--candidates does not go with --retrieval, which needs all answers');
  }
  let reasoner: { reasoner: Reasoner; name: string } | undefined;
  if (options.reasoner !== undefined) {
    const settings = await reasonerSettings(options, warnings);
    reasoner = { reasoner: (await preparedReasoner(options.reasoner, settings))(), name: options.reasoner };
  }
  try {
    const result = await orWarnings(curated(sources, options, reasoner, warnings), warnings);
    report(result, options.json === true);
  } catch (error) {
    const isPassing = error instanceof QuernError && passing.has(error.code);
    if (isPassing && existsSync(join(`${options.out}.work`, 'quern-curate'))) {
      note(
        `quern: what was done is kept in ${options.out}.work, and a run with --out ${options.out} goes on from there`,
      );
    }
    throw error;
  } finally {
    if (reasoner) await closeSoon(reasoner.reasoner);
  }
  printWarnings(warnings);
}

function curated(
  sources: readonly string[],
  options: Options,
  reasoner: { reasoner: Reasoner; name: string } | undefined,
  warnings: Warnings,
): Promise<CurateResult> {
  const { out, positives, budget, domains, perDomain, candidates, against, retrieval, seed, think, until } =
    options;
  return curate(sources, {
    out,
    positives,
    reasoner,
    budget,
    domains,
    perDomain,
    candidates,
    against,
    retrieval,
    seed,
    think,
    until,
    leavesFailed: options.leaveFailed,
    filter: {
      mostCharacters: options.maxCharacters,
      leastCharacters: options.minCharacters,
      language: options.language,
    },
    positive: { most: options.maxPositives, leastScore: options.minScore, scoreGap: options.scoreGap },
    similarity: options.similarity,
    shares: { validation: options.validation, test: options.test },
    sites: options.site,
    corpus: options.corpus,
    keepsWork: options.keep,
    data: options.data,
    signal: interruptSignal(),
    onWork: startProgress,
    onStage: (record, wasDone) => {
      if (!options.json) note(stageLine(record, wasDone));
    },
    warnings,
  });
}

function report({ out, stages, curation, wasThere, work }: CurateResult, isJson: boolean): void {
  if (isJson) {
    const { splits = null, positives = null, domains = null, retrieval = null } = curation ?? {};
    printJson({
      out: work !== undefined && !curation ? null : out,
      wasThere,
      work: work ?? null,
      splits,
      positives,
      domains,
      retrieval,
      stages,
    });
    return;
  }
  print(curationText({ out, stages, curation, wasThere, work }));
}

/** Counts among `warnings` the options of reasoners that were given without one. */
function warnOfIdleReasonerOptions(options: Options, warnings: Warnings): void {
  if (options.reasoner !== undefined) return;
  const { deadline, strict, maxTokens, parallel, refresh, config } = options;
  for (const [name, value] of Object.entries({
    deadline,
    strict,
    'max-tokens': maxTokens,
    parallel,
    refresh,
    config,
  })) {
    if (value !== undefined)
      warnings.add(`--${name} changes nothing: there is no --reasoner`, 'quern curate');
  }
}

function collected(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function allOr<T>(parse: (text: string) => T): (text: string) => T | 'all' {
  return (text) => (text === 'all' ? 'all' : parse(text));
}

function budgetNamed(text: string): ReasonBudget {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(tokens)?$/.exec(text) ?? [];
  const amount = Number(number);
  if (number === undefined || amount <= 0) {
    throw new InvalidArgumentError('It must be an amount of money, or of tokens: 5, 2000000tokens.');
  }
  return { kind: unit === 'tokens' ? 'tokens' : 'money', amount };
}
