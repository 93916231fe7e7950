import { once } from 'node:events';
import { Command } from 'commander';
import { checkReach } from '../reward/server/access.ts';
import { watchRuns } from '../serve/watch/watch-server.ts';
import { interruptSignal } from './interrupt.ts';
import { shared } from './options.ts';
import { note, printJson } from './output.ts';
import { givenToken, serving } from './serving-options.ts';

interface Options {
  readonly host: string;
  readonly port: number;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

/** `quern train watch` */
export function trainWatchCommand(): Command {
  return new Command('watch')
    .description(
      'Show runs of training in a browser as they go: curves of their metrics over each other, and samples.',
    )
    .argument('<run...>', 'folders that quern train wrote to (--out), or that hold such')
    .addOption(serving.host())
    .addOption(serving.port(7870))
    .addOption(serving.tokenFile())
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Only these folders can be read, and nothing in them is changed; the page loads nothing from elsewhere. Ctrl-C ends it,
and leaves the training alone. Where --host is not this machine alone, the browser asks for a password: the token (any
user name will do). Without one, ssh -L 7870:localhost:7870 MACHINE brings the page here.

Examples:
  $ quern train watch runs/first
  $ quern train watch runs/first runs/second --port 0`,
    )
    .action(run);
}

async function run(folders: string[], { host, port, tokenFile, json }: Options): Promise<void> {
  const token = await givenToken(tokenFile);
  checkReach(host, token);
  const signal = interruptSignal();
  const server = await watchRuns(folders, { host, port, token });
  const asks = token === undefined ? '' : ' (the password it asks for is the token)';
  note(`quern: the page is at ${server.url}${asks}`);
  if (json) printJson({ url: server.url });
  if (!signal.aborted) await once(signal, 'abort');
  await server.close();
}
