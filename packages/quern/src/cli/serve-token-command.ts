import { Command, Option } from 'commander';
import { namePattern, nameWords } from '../serve/configuration/names.ts';
import { scopes, type Scope } from '../serve/configuration/service-config.ts';
import { newToken, tokenHash } from '../serve/configuration/tokens.ts';
import { QuernError } from '../errors.ts';
import { shared } from './options.ts';
import { note, print, printJson } from './output.ts';

interface Options {
  readonly name: string;
  readonly scope: Scope;
  readonly json?: boolean;
}

/** `quern serve token` */
export function serveTokenCommand(): Command {
  return new Command('token')
    .description('Make a token: it is shown once, and the configuration keeps its hash.')
    .option('--name <name>', 'what logs call it', 'client')
    .addOption(
      new Option(
        '--scope <scope>',
        'what it allows: read asks, write also uploads and builds, admin also deletes',
      )
        .choices(scopes)
        .default('read'),
    )
    .addOption(shared.json())
    .addHelpText('after', '\nExample:\n  $ quern serve token --name ci --scope write')
    .action(run);
}

function run({ name, scope, json }: Options): void {
  if (!namePattern.test(name)) {
    throw new QuernError('USAGE', `a name is ${nameWords}`, { where: '--name' });
  }
  const token = newToken();
  const hash = `sha256:${tokenHash(token)}`;
  if (json) {
    printJson({ name, scope, token, hash });
    return;
  }
  print(token);
  note('quern: it is shown this once. In the configuration:');
  for (const line of ['tokens:', `  - name: ${name}`, `    scope: ${scope}`, `    hash: ${hash}`])
    note(`  ${line}`);
}
