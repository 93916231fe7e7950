import { InvalidArgumentError, Option, type Command } from 'commander';
import { excerpt } from '../collections/jsonl.ts';
import { QuernError } from '../errors.ts';
import { checkParameters, defaultBm25Parameters, type Bm25Parameters } from '../lexical/bm25.ts';
import { RecordedReasoner } from '../reason/recorded.ts';
import { defaultBackgroundPower } from '../search/background.ts';
import { planningName } from '../evaluate/tuning-candidates.ts';
import { differenceText, openGate, reasoningDifferences } from '../search/calibrated-gate.ts';
import { combineNamed, type Combine } from '../search/combine.ts';
import { defaultEarlyStop, earlyStopName, earlyStopNamed, type EarlyStop } from '../search/early-stop.ts';
import { defaultRerankDepth, type Reranking } from '../search/reranking.ts';
import { openReranker } from '../dense/rerankers.ts';
import { joinNamed, joins, type Join } from '../search/join.ts';
import type { ReasoningPlan } from '../search/reasoning-plan.ts';
import type { Warnings } from '../warnings.ts';
import { isSeveral } from '../reason/several-names.ts';
import { startProgress } from './progress.ts';
import { parsed, positiveInteger } from './options.ts';

/** What the options of {@link addPlanningOptions} come to. */
export interface PlanningOptions {
  readonly combine: Combine;
  readonly join?: Join;
  readonly k1: number;
  readonly b: number;
  readonly keyTerms?: number;
  readonly background?: string;
  readonly backgroundPower?: number;
  /** True where it is asked for without settings. */
  readonly earlyStop?: EarlyStop | true;
  readonly gate?: string;
  readonly rounds?: number;
  readonly roundsKeep?: 'all' | 'last';
  readonly roundsTokens?: number;
  readonly rerank?: string;
  readonly rerankDepth?: number;
}

/** What {@link planned} needs to know. */
interface PlannedOptions extends PlanningOptions {
  readonly deadline?: number;
  readonly strict?: boolean;
  readonly reasoner: string | readonly string[];
}

/** Options of how terms are weighed, which `tune` has too. */
export const weighing = {
  background: () =>
    new Option(
      '--background <file>',
      'reasoned queries of this reasoner, as file:… reads them: words that it writes whatever it is asked weigh less',
    ),
  k1: () =>
    new Option('--k1 <number>', "BM25's saturation of term frequency")
      .argParser(numberFrom0)
      .default(defaultBm25Parameters.k1, String(defaultBm25Parameters.k1)),
  b: () =>
    new Option('--b <number>', "BM25's normalisation by length, from 0 to 1")
      .argParser(numberFrom0)
      .default(defaultBm25Parameters.b, String(defaultBm25Parameters.b)),
};

/** Gives a command the options that say what is done with the reasoner and its text. */
export function addPlanningOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--combine <how>', 'replace, concat:N, interpolate:W or rrf')
        .argParser(parsed(combineNamed))
        .default(combineNamed('replace'), 'replace'),
    )
    .addOption(
      new Option(
        '--join <how>',
        `how several reasoned queries (join:A,B or 3*A) become one search (default: ${joins[0]})`,
      )
        .choices(joins)
        .argParser(parsed(joinNamed)),
    )
    .addOption(
      new Option(
        '--key-terms <share>',
        "the least share of the weight that the question's five rarest terms have, e.g. 0.2",
      ).argParser(share),
    )
    .addOption(weighing.background())
    .addOption(
      new Option(
        '--background-power <number>',
        `how much less (default: ${defaultBackgroundPower})`,
      ).argParser(numberFrom0),
    )
    .addOption(weighing.k1())
    .addOption(weighing.b())
    .addOption(
      new Option(
        '--early-stop [settings]',
        `stop writing when the ranking is stable; ${earlyStopName(defaultEarlyStop)} unless said otherwise; without settings it stands at the end of the command`,
      ).argParser(parsed(earlyStopOption)),
    )
    .option('--gate <file>', 'reason only where the gate in this file, which quern tune writes, says so')
    .addOption(
      new Option(
        '--rounds <number>',
        'how often the model is asked, each time with new passages that were found',
      ).argParser(positiveInteger),
    )
    .addOption(
      new Option(
        '--rounds-keep <which>',
        'search what all rounds wrote, or the last one (default: all)',
      ).choices(['all', 'last']),
    )
    .addOption(
      new Option(
        '--rounds-tokens <number>',
        'no further round after so many tokens (default: 8000)',
      ).argParser(positiveInteger),
    )
    .option(
      '--rerank <reranker>',
      'a cross-encoder that reads the best hits again, with the question: onnx:HUB_ID_OR_FOLDER or rerank:MODEL@URL',
    )
    .addOption(
      new Option(
        '--rerank-depth <number>',
        `how many hits it reads (default: ${defaultRerankDepth})`,
      ).argParser(positiveInteger),
    );
}

/**
 * What the options say of a pipeline, whose reranker, where there is one, is the caller's to close; `deadline` is of all rounds
 * together. Throws what opening the gate's file or the reranker throws; what the gate was calibrated for and differs from the
 * options is counted among `warnings`.
 */
export async function planned(
  options: PlannedOptions,
  warnings: Warnings,
): Promise<Omit<ReasoningPlan, 'reasoner' | 'retriever' | 'background'>> {
  const { combine, keyTerms, earlyStop, rounds, roundsKeep, roundsTokens, deadline } = options;
  const { backgroundPower: power = defaultBackgroundPower } = options;
  const reasoners = [options.reasoner].flat();
  const join = (reasoners.some(isSeveral) ? options.join : undefined) ?? joins[0];
  const background = options.background === undefined ? undefined : { power };
  const gate = options.gate === undefined ? undefined : await openGate(options.gate, warnings);
  if (gate && options.gate !== undefined) {
    for (const reasoner of reasoners.filter((name) => name !== 'none')) {
      const ofSeveral = isSeveral(reasoner) ? { join } : {};
      const asked = { reasoner, combine: planningName({ combine, ...ofSeveral, keyTerms, background }) };
      for (const said of reasoningDifferences(gate.record, asked))
        warnings.add(differenceText(said), options.gate);
    }
  }
  return {
    combine,
    join,
    ...(gate && { gate }),
    ...(keyTerms !== undefined && { keyTerms }),
    ...(options.rerank !== undefined && { rerank: await openedReranking(options.rerank, options, warnings) }),
    ...(earlyStop && { earlyStop: earlyStop === true ? defaultEarlyStop : earlyStop }),
    ...(rounds !== undefined && {
      rounds: {
        count: rounds,
        ...(roundsKeep && { keep: roundsKeep }),
        ...(roundsTokens !== undefined && { tokens: roundsTokens }),
        deadline,
      },
    }),
  };
}

async function openedReranking(
  name: string,
  { rerankDepth: depth, deadline, strict }: PlannedOptions,
  warnings: Warnings,
): Promise<Reranking> {
  const reranker = await openReranker(name, { warnings, onWork: startProgress });
  return { reranker, deadline, strict, ...(depth !== undefined && { depth }) };
}

/** Without settings the option takes the word after it for them, which may be the question. */
function earlyStopOption(text: string): EarlyStop {
  if (/^\s*[a-z]+\s*=/.test(text)) return earlyStopNamed(text);
  throw new QuernError('USAGE', `no settings of an early stop: ${excerpt(text)}`, {
    hint: 'Write --early-stop at the end of the command, or with settings such as every=25,checks=3',
  });
}

/** BM25's parameters, as the options say. Throws `USAGE`. */
export function bm25Parameters({ k1, b }: Bm25Parameters): Bm25Parameters {
  checkParameters({ k1, b });
  return { k1, b };
}

/** The texts of the background's file, where there is one. Throws what reading it throws. */
export async function backgroundTexts(background: string | undefined): Promise<string[] | undefined> {
  if (background === undefined) return undefined;
  const { texts } = await RecordedReasoner.open(background);
  if (texts.length > 0) return texts;
  throw new QuernError('BAD_INPUT', 'no reasoned query to learn a background from', { where: background });
}

function numberFrom0(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1e100) return value;
  throw new InvalidArgumentError('It must be a number from 0 to 1e100.');
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('It must be a share from 0 to below 1.');
}
