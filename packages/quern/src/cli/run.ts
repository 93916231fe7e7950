import { Command, CommanderError } from 'commander';
import { QuernError } from '../errors.ts';
import { quernVersion } from '../version.ts';
import { note, printable } from './output.ts';

/** The commands. The module of one, with all that it imports, is loaded where it is asked for. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import('./demo-command.ts')).demoCommand(),
  index: async () => (await import('./index-command.ts')).indexCommand(),
  search: async () => (await import('./search-command.ts')).searchCommand(),
  reason: async () => (await import('./reason-command.ts')).reasonCommand(),
  eval: async () => (await import('./eval-command.ts')).evalCommand(),
  compare: async () => (await import('./compare-command.ts')).compareCommand(),
  tune: async () => (await import('./tune-command.ts')).tuneCommand(),
  curate: async () => (await import('./curate-command.ts')).curateCommand(),
  reward: async () => (await import('./reward-command.ts')).rewardCommand(),
  train: async () => (await import('./train-command.ts')).trainCommand(),
  serve: async () => (await import('./serve-command.ts')).serveCommand(),
  mcp: async () => (await import('./mcp-command.ts')).mcpCommand(),
  cache: async () => (await import('./cache-command.ts')).cacheCommand(),
  export: async () => (await import('./export-command.ts')).exportCommand(),
  setup: async () => (await import('./setup-command.ts')).setupCommand(),
  doctor: async () => (await import('./doctor-command.ts')).doctorCommand(),
};

/** Runs a command line, without the program's own name. Returns its exit code: 0 done, 1 failed, 2 wrong usage. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  try {
    const program = await programFor(args);
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    return exitCode(error);
  }
}

/** The program with the command that is asked for; with all of them, which its help lists, where that is not the first word. */
async function programFor([first = '']: readonly string[]): Promise<Command> {
  const program = new Command('quern')
    .description('Query reasoning for retrieval: a question, a reasoned query, a ranking, its measures.')
    .version(quernVersion())
    .showHelpAfterError('(add --help for the options and examples)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeErr: (text) => void process.stderr.write(printable(text)) })
    // Commands under a command have options of the same names.
    .enablePositionalOptions();
  const asked = Object.hasOwn(commands, first) ? [commands[first]] : Object.values(commands);
  const isVersion = first === '--version' || first === '-V';
  for (const command of isVersion ? [] : await Promise.all(asked.map((load) => load()))) {
    program.addCommand(command.copyInheritedSettings(program));
  }
  for (const command of [program, ...program.commands]) {
    command.exitOverride();
    for (const nested of command.commands) {
      nested.copyInheritedSettings(command).exitOverride().configureHelp({ showGlobalOptions: false });
    }
  }
  return program;
}

/** Says what went wrong on stderr and returns the exit code. */
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
