import { Command } from 'commander';
import { QuernError } from '../errors.ts';
import { protocolOutput, serveStdio } from '../serve/mcp/stdio.ts';
import { Warnings } from '../warnings.ts';
import { interruptSignal } from './interrupt.ts';
import { shared } from './options.ts';
import { note, printWarnings } from './output.ts';
import {
  configurationOf,
  noteWithoutIndexes,
  serveUntilInterrupted,
  withServiceOptions,
  type ServiceOptions,
} from './serve-command.ts';

interface Options extends ServiceOptions {
  readonly http?: boolean;
  readonly allowAnonymous?: boolean;
  readonly json?: boolean;
}

/** `quern mcp` */
export function mcpCommand(): Command {
  return withServiceOptions(
    new Command('mcp').description(
      'Let agents search and reason: an MCP server over standard input and output.',
    ),
  )
    .option('--http', 'serve streamable HTTP at /mcp instead')
    .option('--allow-anonymous', 'with --http: serve also beyond this machine without asking for a token')
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Agents get the tools search, reason and list_indexes; they choose among the names that are declared here or in the file. A
client starts the command itself and ends it (docs/SERVICE.md shows what it wants to be told); paths count from the folder in
which it does, so give them in full. quern serve has /mcp, too. --host, --port and --json go with --http.

Examples:
  $ quern mcp --index notes=/home/me/notes.index
  $ quern mcp --index notes=/home/me/notes.index --reasoner qr=llama:/home/me/model.gguf
  $ quern mcp --config /home/me/quern.yaml
  $ quern mcp --http --index notes=notes.index --port 8080`,
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  if (options.http) {
    await serveUntilInterrupted(await configurationOf(options), { ...options, onlyMcp: true });
    return;
  }
  for (const name of ['host', 'port', 'allowAnonymous', 'json'] as const) {
    if (options[name] === undefined) continue;
    throw new QuernError('USAGE', 'goes with --http alone', {
      where: name === 'allowAnonymous' ? '--allow-anonymous' : `--${name}`,
    });
  }
  const output = protocolOutput(process);
  const warnings = new Warnings();
  const config = await configurationOf(options);
  noteWithoutIndexes(config);
  await serveStdio(config, {
    input: process.stdin,
    output,
    say: (line) => note(`quern: ${line}`),
    signal: interruptSignal(),
    warnings,
    onReady() {
      printWarnings(warnings);
      note('quern: ready');
    },
  });
}
