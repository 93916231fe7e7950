import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { QuernError } from '../errors.ts';
import { cacheCommand } from './cache-command.ts';
import { endProcess } from './closing.ts';
import { compareCommand } from './compare-command.ts';
import { curateCommand } from './curate-command.ts';
import { demoCommand } from './demo-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { evalCommand } from './eval-command.ts';
import { exportCommand } from './export-command.ts';
import { indexCommand } from './index-command.ts';
import { note, printable } from './output.ts';
import { reasonCommand } from './reason-command.ts';
import { rewardCommand } from './reward-command.ts';
import { searchCommand } from './search-command.ts';
import { setupCommand } from './setup-command.ts';
import { trainCommand } from './train-command.ts';
import { tuneCommand } from './tune-command.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('quern')
  .description('Query reasoning for retrieval: a question, a reasoned query, a ranking, its measures.')
  .version(version)
  .showHelpAfterError('(add --help for the options and examples)')
  .configureHelp({ showGlobalOptions: true })
  .configureOutput({ writeErr: (text) => void process.stderr.write(printable(text)) })
  // Commands under a command have options of the same names.
  .enablePositionalOptions();

for (const command of [
  demoCommand(),
  indexCommand(),
  searchCommand(),
  reasonCommand(),
  evalCommand(),
  compareCommand(),
  tuneCommand(),
  curateCommand(),
  rewardCommand(),
  trainCommand(),
  cacheCommand(),
  exportCommand(),
  setupCommand(),
  doctorCommand(),
]) {
  program.addCommand(command.copyInheritedSettings(program));
}
for (const command of [program, ...program.commands]) {
  command.exitOverride();
  for (const nested of command.commands) {
    nested.copyInheritedSettings(command).exitOverride().configureHelp({ showGlobalOptions: false });
  }
}

// A reader that has seen enough (`| head`) is no failure; what is under way still ends and clears up after itself.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') return;
  note(`quern: cannot write to standard output: ${error.message}`);
  process.exitCode = 1;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCode(error);
}
endProcess();

/** Says what went wrong on stderr and returns the exit code: 0 done, 1 failed, 2 wrong usage. */
function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof QuernError) {
    note(`quern: ${error.message}`);
    return error.code === 'USAGE' ? 2 : 1;
  }
  note('quern: an unexpected error; please report it:');
  for (const line of String(error instanceof Error ? error.stack : error).split('\n')) note(line);
  return 1;
}
