import { Command } from 'commander';
import { scorings, type Scoring } from '../lexical/bm25.ts';
import { LexicalIndex } from '../lexical/lexical-index.ts';
import { preparedReasoner } from '../reason/reasoners.ts';
import { interruptSignal } from './interrupt.ts';
import { checkQuestion, shared } from './options.ts';
import { note, print, printable, printJson } from './output.ts';

interface Options {
  readonly reasoner: string;
  readonly index?: string;
  readonly scoring: Scoring;
  readonly json?: boolean;
}

/** `quern reason "question" --reasoner R` */
export function reasonCommand(): Command {
  return new Command('reason')
    .description('Show what a reasoner makes of a question.')
    .argument('<question>', 'the question')
    .addOption(shared.reasoner().makeOptionMandatory())
    .option('--index <folder>', 'the index that rm3 learns from')
    .addOption(shared.scoring().default(scorings[0]))
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Examples:
  $ quern reason "why does my bread not rise" --reasoner rm3 --index notes.index
  $ quern reason "why does my bread not rise" --reasoner file:reasoned.json --json`,
    )
    .action(run);
}

async function run(question: string, options: Options): Promise<void> {
  checkQuestion(question);
  const prepare = await preparedReasoner(options.reasoner);
  const index = options.index === undefined ? undefined : await LexicalIndex.open(options.index);
  try {
    const reasoner = prepare(index && { index, scoring: options.scoring });
    try {
      const { weights, ...reasoned } = await reasoner.reason(question, { signal: interruptSignal() });
      if (options.json) printJson({ ...reasoned, ...(weights && { weights: Object.fromEntries(weights) }) });
      else if (reasoned.text === '')
        note(`quern: ${reasoned.reasoner} adds nothing: the question goes as it is`);
      else print(process.stdout.isTTY ? printable(reasoned.text) : reasoned.text);
    } finally {
      await reasoner.close();
    }
  } finally {
    await index?.close();
  }
}
