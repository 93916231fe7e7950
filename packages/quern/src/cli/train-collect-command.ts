import { resolve } from 'node:path';
import { Command } from 'commander';
import { QuernError } from '../errors.ts';
import { readTrainConfig } from '../train/configuration/read-config.ts';
import { interruptSignal } from './interrupt.ts';
import { shared } from './options.ts';
import { note, print, printJson } from './output.ts';
import { stepText } from './training-text.ts';

interface Options {
  readonly follow?: boolean;
  readonly json?: boolean;
}

/** How often a job is looked at, in milliseconds. */
const lookEvery = 5000;

/** `quern train collect` */
export function trainCollectCommand(): Command {
  return new Command('collect')
    .description('Take over what a job on another engine has logged and written that runs elsewhere.')
    .argument('<run>', 'the folder of the run')
    .option('--follow', 'go on until all steps are made')
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Metrics, samples and checkpoints come to be in the run as if it had been followed; quern train watch shows them.

Examples:
  $ quern train collect runs/cluster
  $ quern train collect runs/cluster --follow`,
    )
    .action(run);
}

async function run(folder: string, { follow = false, json }: Options): Promise<void> {
  const { collectJob } = await import('../train/engines/engine-run.ts');
  const { engineOfRun } = await import('../train/engines/engine-folder.ts');
  const { engineNamed } = await import('../train/engines/engines.ts');
  const signal = interruptSignal();
  const name = await engineOfRun(folder);
  if (name === undefined) {
    throw new QuernError('NOT_FOUND', 'holds no run on another engine', {
      where: folder,
      hint: 'Name the folder that was given as --out',
    });
  }
  const config = await readTrainConfig({ file: resolve(folder, 'config.yaml'), out: folder });
  for (;;) {
    const outcome = await collectJob(config, engineNamed(name), {
      onEvent: (event) => {
        if (event.kind === 'metrics') note(stepText(event.line, config.max_steps));
        else if (event.kind === 'checkpoint') note(`quern: ${event.folder}`);
        else note(`quern: ${event.text}`);
      },
    });
    if (!follow || outcome.status === 'done' || signal.aborted) {
      if (json) printJson(outcome);
      else print(`${outcome.folder}: ${outcome.step} of ${config.max_steps} steps`);
      return;
    }
    await new Promise<void>((wake) => {
      const timer = setTimeout(wake, lookEvery);
      signal.addEventListener('abort', () => (clearTimeout(timer), wake()), { once: true });
    });
  }
}
