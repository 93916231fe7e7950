import { Command } from 'commander';
import { examination } from '../doctor/doctor.ts';
import type { Part } from '../doctor/part.ts';
import { quernError } from '../models/torch/torch-error.ts';
import { oneLine } from '../one-line.ts';
import { interruptSignal } from './interrupt.ts';
import { shared } from './options.ts';
import { print, printJson } from './output.ts';

/** `quern doctor` */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Show what is there of all that Quern can use, and the command that mends what is not.')
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Nothing is installed or changed. What is missing is optional, and so the exit code is 0.

Examples:
  $ quern doctor
  $ quern doctor --json`,
    )
    .action(run);
}

async function run({ json }: { readonly json?: boolean }): Promise<void> {
  const parts = await examination({ signal: interruptSignal() }).catch((error: unknown) => {
    throw quernError(error);
  });
  if (json) printJson(parts);
  else print(parts.flatMap(linesOf).join('\n'));
}

function linesOf({ part, state, what, mend }: Part): string[] {
  const line = `${state.padEnd(7)}  ${part.padEnd(25)}  ${oneLine(what)}`;
  return mend === undefined ? [line] : [line, `${' '.repeat(36)}$ ${mend}`];
}
