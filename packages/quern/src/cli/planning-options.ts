import { InvalidArgumentError, Option, type Command } from 'commander';
import { combineNamed, type Combine } from '../search/combine.ts';
import { defaultEarlyStop, earlyStopName, earlyStopNamed, type EarlyStop } from '../search/early-stop.ts';
import { joinNamed, joins, type Join } from '../search/join.ts';
import type { ReasoningPlan } from '../search/reasoning-plan.ts';
import { parsed, positiveInteger, shared } from './options.ts';

/** What the options of {@link addPlanningOptions} come to. */
export interface PlanningOptions {
  readonly combine: Combine;
  readonly join: Join;
  readonly keyTerms?: number;
  readonly earlyStop?: EarlyStop;
  readonly rounds?: number;
  readonly roundsKeep: 'all' | 'last';
  readonly roundsTokens: number;
}

/** Gives a command the options that say what is done with the reasoner and its text. */
export function addPlanningOptions(command: Command): Command {
  return command
    .addOption(shared.reasoner().default('none'))
    .addOption(
      new Option('--combine <how>', 'replace, concat:N, interpolate:W or rrf')
        .argParser(parsed(combineNamed))
        .default(combineNamed('replace'), 'replace'),
    )
    .addOption(
      new Option('--join <how>', 'how several reasoned queries (join:A,B or 3*A) become one search')
        .choices(joins)
        .argParser(parsed(joinNamed))
        .default(joins[0]),
    )
    .addOption(
      new Option(
        '--key-terms <share>',
        "the least share of the weight that the question's five rarest terms have, e.g. 0.2",
      ).argParser(share),
    )
    .addOption(
      new Option(
        '--early-stop [settings]',
        `stop writing when the ranking is stable; ${earlyStopName(defaultEarlyStop)} unless said otherwise`,
      )
        .argParser(parsed(earlyStopNamed))
        .preset(''),
    )
    .addOption(
      new Option(
        '--rounds <number>',
        'ask the model so often, each time with new passages that were found',
      ).argParser(positiveInteger),
    )
    .addOption(
      new Option('--rounds-keep <which>', 'search what all rounds wrote, or the last one')
        .choices(['all', 'last'])
        .default('all'),
    )
    .addOption(
      new Option('--rounds-tokens <number>', 'no further round after so many tokens')
        .argParser(positiveInteger)
        .default(8000, '8000'),
    );
}

/** What the options say of a pipeline; `deadline` is of all rounds together. */
export function planned(
  options: PlanningOptions & { readonly deadline?: number },
): Omit<ReasoningPlan, 'reasoner' | 'retriever'> {
  const { combine, join, keyTerms, earlyStop, rounds, roundsKeep, roundsTokens, deadline } = options;
  return {
    combine,
    join,
    ...(keyTerms !== undefined && { keyTerms }),
    ...(earlyStop && { earlyStop }),
    ...(rounds !== undefined && {
      rounds: { count: rounds, keep: roundsKeep, tokens: roundsTokens, deadline },
    }),
  };
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('It must be a share from 0 to below 1.');
}
