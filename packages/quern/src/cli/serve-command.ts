import { once } from 'node:events';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { pathKindIfAny } from '../collections/files.ts';
import { QuernError } from '../errors.ts';
import { isOpenSearchName } from '../opensearch/address.ts';
import type { Setting } from '../serve/configuration/environment-settings.ts';
import { namePattern } from '../serve/configuration/names.ts';
import { readServiceConfig } from '../serve/configuration/read-service-config.ts';
import type { ServiceConfig } from '../serve/configuration/service-config.ts';
import { serve } from '../serve/serve.ts';
import { Warnings } from '../warnings.ts';
import { interruptSignal } from './interrupt.ts';
import { parsed, shared } from './options.ts';
import { note, printJson, printWarnings } from './output.ts';
import { serveTokenCommand } from './serve-token-command.ts';
import { sampleService } from './sample-service.ts';
import { portNamed } from './serving-options.ts';

/** The options that say what is served. */
export interface ServiceOptions {
  readonly config?: string;
  readonly host?: string;
  readonly port?: number;
  readonly dataDir?: string;
  readonly index: readonly NamedThing[];
  readonly reasoner: readonly NamedThing[];
  readonly embedder: readonly NamedThing[];
}

interface Options extends ServiceOptions {
  readonly runs: readonly string[];
  readonly sets: readonly string[];
  readonly sample?: boolean;
  readonly allowAnonymous?: boolean;
  readonly json?: boolean;
}

/** `NAME=WHAT` */
interface NamedThing {
  readonly name: string;
  readonly what: string;
}

/** `quern serve` */
export function serveCommand(): Command {
  return withServiceOptions(
    new Command('serve').description('Serve indexes, reasoners, embedders and rewards over HTTP.'),
  )
    .addOption(
      new Option('--sample', 'serve the sample collection, to be tried in a browser').conflicts(['config']),
    )
    .addOption(
      folderOption(
        '--runs <folder>',
        'show the trainings and evaluations in a folder, of quern train --out and quern eval --save',
      ),
    )
    .addOption(folderOption('--sets <folder>', 'show the training sets in a folder, of quern curate --out'))
    .option('--allow-anonymous', 'serve also beyond this machine without asking for a token')
    .addOption(shared.json())
    .addCommand(serveTokenCommand())
    .addHelpText(
      'after',
      `
Requests choose among the names that are declared here or in the file; docs/SERVICE.md tells of the file, the variables
QUERN_SERVE_…, tokens and limits. GET / is the playground, GET /docs a page of the API, GET /healthz says that it runs. Ctrl-C ends it once what it
accepted is answered.

Examples:
  $ quern serve --sample
  $ quern serve --sample --runs runs
  $ quern serve --index notes=notes.index
  $ quern serve --index notes=notes.index --reasoner qr=llama:model.gguf --port 8080
  $ quern serve --config quern.yaml
  $ quern serve token --name ci --scope read
  $ QUERN_TOKEN=… quern serve --config quern.yaml --host 0.0.0.0`,
    )
    .action(run);
}

/** A command with the options that say what is served. */
export function withServiceOptions(command: Command): Command {
  return command
    .addOption(configOption())
    .option(
      '--host <address>',
      'where it listens (default: 127.0.0.1); elsewhere than here it asks for tokens',
    )
    .addOption(
      new Option('--port <number>', '0: one that is free (default: 8080)').argParser(parsed(portNamed)),
    )
    .option('--data-dir <folder>', 'where corpora are uploaded to and indexes built')
    .addOption(namedOption('--index <name=index>', 'an index by a name: a folder, or opensearch:INDEX@URL'))
    .addOption(namedOption('--reasoner <name=reasoner>', 'a reasoner by a name, e.g. qr=llama:model.gguf'))
    .addOption(namedOption('--embedder <name=embedder>', 'an embedder by a name, e.g. mini=onnx:HUB_ID'));
}

/** The option of the configuration's file. */
export function configOption(): Option {
  return new Option('--config <file>', 'what is served, and how, in YAML').env('QUERN_SERVE_CONFIG');
}

/** An option that can be given several times, each `NAME=WHAT`. */
export function namedOption(flags: string, description: string): Option {
  return new Option(flags, `${description} (several times for several)`)
    .argParser((text: string, before: readonly NamedThing[]) => [...before, namedThing(text)])
    .default([], 'none');
}

/** An option that names a folder, and can be given several times. */
function folderOption(flags: string, description: string): Option {
  return new Option(
    flags,
    `${description} (several times for several); the configuration's are not shown then`,
  )
    .argParser((text: string, before: readonly string[]) => {
      if (text === '') throw new InvalidArgumentError('It must name a folder.');
      return [...before, resolve(text)];
    })
    .default([], 'none');
}

function namedThing(text: string): NamedThing {
  const [, name = '', what = ''] = /^([^=]*)=(.+)$/s.exec(text) ?? [];
  if (namePattern.test(name)) return { name, what };
  throw new InvalidArgumentError('It must be a name, =, and what it names.');
}

/** The name of an index with its path in full. */
function here(name: string): string {
  return isOpenSearchName(name) ? name : resolve(name);
}

/** What the options that declare things say. */
export function declaredSettings(
  options: Partial<Pick<Options, 'index' | 'reasoner' | 'embedder'>>,
): Setting[] {
  const { index = [], reasoner = [], embedder = [] } = options;
  return [
    ...index.map(({ name, what }) => ({ path: ['indexes', name], value: here(what), where: '--index' })),
    ...reasoner.map(({ name, what }) => ({
      path: ['reasoners', name],
      value: what.replace(
        /^((?:file|llama|torch):)(\.{1,2}\/.*|(?<=file:).*)$/s,
        (_, kind: string, path: string) => kind + resolve(path),
      ),
      where: '--reasoner',
    })),
    ...embedder.map(({ name, what }) => ({ path: ['embedders', name], value: what, where: '--embedder' })),
  ];
}

/** The configuration that the options, the environment and the file make together. Throws what reading it does. */
export function configurationOf(
  options: ServiceOptions,
  more: readonly Setting[] = [],
): Promise<ServiceConfig> {
  const { config: file, host, port, dataDir } = options;
  const settings: Setting[] = [
    ...(host === undefined ? [] : [{ path: ['listen', 'host'], value: host, where: '--host' }]),
    ...(port === undefined ? [] : [{ path: ['listen', 'port'], value: port, where: '--port' }]),
    ...(dataDir === undefined ? [] : [{ path: ['data'], value: resolve(dataDir), where: '--data-dir' }]),
    ...declaredSettings(options),
    ...more,
  ];
  return readServiceConfig({ ...(file !== undefined && { file }), settings });
}

/** What an option that names folders says; the folder of the sample comes first. */
function folderSetting(key: 'runs' | 'sets', folders: readonly string[], sample?: string): Setting[] {
  const value = sample === undefined ? folders : [sample, ...folders];
  return value.length === 0 ? [] : [{ path: [key], value, where: `--${key}` }];
}

/** Says which folders are not there yet. Throws what looking at them does, and `BAD_INPUT` for what is no folder. */
async function checkFolders(option: string, folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    const where = `${option} ${folder}`;
    const kind = await pathKindIfAny(folder);
    if (!kind) note(`quern: ${where}: there is no such folder yet; it is shown once there is`);
    else if (!kind.isFolder) throw new QuernError('BAD_INPUT', 'it is no folder', { where });
  }
}

async function run(options: Options): Promise<void> {
  await checkFolders('--runs', options.runs);
  await checkFolders('--sets', options.sets);
  const signal = interruptSignal();
  const sample = options.sample ? await sampleService(signal) : undefined;
  try {
    const config = await configurationOf(options, [
      ...(sample?.settings ?? []),
      ...folderSetting('runs', options.runs, sample?.runs),
      ...folderSetting('sets', options.sets, sample?.sets),
    ]);
    await serveUntilInterrupted(config, { ...options, signal });
  } finally {
    await sample?.discard();
  }
}

/** Serves over HTTP until Ctrl-C. */
export async function serveUntilInterrupted(
  config: ServiceConfig,
  {
    allowAnonymous = false,
    json,
    onlyMcp = false,
    signal = interruptSignal(),
  }: Pick<Options, 'allowAnonymous' | 'json'> & {
    readonly onlyMcp?: boolean;
    readonly signal?: AbortSignal;
  },
): Promise<void> {
  const warnings = new Warnings();
  const running = await serve(config, { warnings, isOpen: allowAnonymous, onlyMcp });
  try {
    const shown = onlyMcp ? `MCP: ${running.url}/mcp` : `playground; the API: ${running.url}/docs`;
    note(`quern: serving at ${running.url} (${shown})`);
    if (json)
      printJson({ url: running.url, tokens: config.tokens.map(({ name, scope }) => ({ name, scope })) });
    noteWithoutIndexes(config);
    const stopped = signal.aborted ? Promise.resolve() : once(signal, 'abort');
    await Promise.race([running.ready, stopped]);
    if (!signal.aborted) {
      printWarnings(warnings);
      note('quern: ready');
      await stopped;
    }
  } finally {
    await running.close();
  }
}

/** Says that nothing can be searched, where no index is declared and none can be built. */
export function noteWithoutIndexes({ indexes, data }: ServiceConfig): void {
  if (indexes.size > 0 || data !== undefined) return;
  note('quern: no index is declared (--index NAME=FOLDER, or indexes in the configuration)');
}
