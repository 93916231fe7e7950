import { once } from 'node:events';
import { Command, InvalidArgumentError, Option } from 'commander';
import { QuernError } from '../errors.ts';
import { openRewardCollection } from '../reward/index-collection.ts';
import type { RewardItem } from '../reward/reward.ts';
import { ranksInBatch, ranksInCollection, rewardNamed } from '../reward/rewards.ts';
import { checkReach } from '../reward/server/access.ts';
import { serveReward } from '../reward/server/reward-server.ts';
import { Warnings } from '../warnings.ts';
import { addEmbedderOptions, embedderSettings, type EmbedderCommandOptions } from './dense-options.ts';
import { interruptSignal } from './interrupt.ts';
import { parsed, positiveInteger, shared } from './options.ts';
import { note, printJson, printWarnings } from './output.ts';
import { rewardsHelp } from './rewards-help.ts';
import { givenToken, serving } from './serving-options.ts';
import { sizeNamed } from '../durations.ts';

interface Options extends EmbedderCommandOptions {
  readonly reward: string;
  readonly index?: string;
  readonly retriever?: string;
  readonly asQueries?: boolean;
  readonly host: string;
  readonly port: number;
  readonly tokenFile?: string;
  readonly batch?: number;
  readonly queue?: number;
  readonly bodyLimit?: number;
  readonly json?: boolean;
}

/** What any reward can score. */
const probe: RewardItem = { query: 'question', completion: 'reasoned query', positives: ['document'] };

/** `quern reward serve` */
export function rewardServeCommand(): Command {
  const command = new Command('serve')
    .description('Serve a reward to trainers: OpenRLHF, TRL, verl, or whoever posts completions.')
    .addOption(
      new Option('--reward <reward>', 'one reward (see below), e.g. similarity:onnx:MODEL')
        .argParser(onlyOne)
        .makeOptionMandatory(),
    )
    .option('--index <folder>', 'the index that retrieval:MEASURE ranks positives in')
    .addOption(shared.retriever())
    .option('--as-queries', 'embed questions and reasoned queries with the instruction for queries')
    .addOption(serving.host())
    .addOption(serving.port(8700))
    .addOption(serving.tokenFile())
    .addOption(
      new Option(
        '--batch <number>',
        'about how many completions are scored together (default: 256)',
      ).argParser(positiveInteger),
    )
    .addOption(
      new Option(
        '--queue <number>',
        'how many may wait before /v1/rewards refuses (default: 4096)',
      ).argParser(positiveInteger),
    )
    .addOption(
      new Option('--body-limit <size>', 'the most bytes of a request (default: 64 MiB)').argParser(
        parsed(sizeNamed),
      ),
    );
  return addEmbedderOptions(command)
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
${rewardsHelp}

POST /get_reward speaks OpenRLHF's protocol, POST /v1/rewards takes {"items": [{"query", "completion", "positives"}]};
GET /healthz and GET /metrics say how it fares. Ctrl-C ends it once what it accepted is answered.

Examples:
  $ quern reward serve --reward similarity:onnx:Xenova/bge-base-en-v1.5 --port 8700
  $ quern reward serve --reward retrieval:rank --index my.index --retriever bm25q
  $ QUERN_TOKEN=… quern reward serve --reward lexical --host 0.0.0.0`,
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { reward: name, index, retriever, asQueries, host, port, batch, queue, bodyLimit, json } = options;
  const warnings = new Warnings();
  const token = await givenToken(options.tokenFile);
  checkReach(host, token);
  if (index === undefined && retriever !== undefined) {
    throw new QuernError('USAGE', 'is for an index', { where: '--retriever', hint: 'Give --index too' });
  }
  if (ranksInBatch(name) || (index === undefined && ranksInCollection(name))) {
    warnings.add(
      'positives are ranked among those that happen to be scored together, which may be one alone; retrieval:MEASURE with --index ranks them among all documents',
      name,
    );
  }
  const signal = interruptSignal();
  // Started by a program that keeps a channel to it, as quern train does, it ends with that program.
  process.once('disconnect', () => process.emit('SIGTERM'));
  // The channel alone would keep it from ending.
  process.channel?.unref();
  const embedding = { ...embedderSettings(options, warnings), signal };
  const opened =
    index === undefined
      ? undefined
      : await openRewardCollection({ folder: index, retriever, embedding, warnings });
  try {
    const settings = {
      embedding,
      asQueries,
      ...(opened && { collection: opened.collection, analyzer: opened.analyzer }),
    };
    const reward = await rewardNamed(name, settings);
    try {
      // Else a model that cannot be loaded would show in a trainer, which goes on without a reward.
      await reward.score([probe], signal);
      const server = await serveReward(reward, { host, port, token, batch, queue, bodyLimit });
      printWarnings(warnings);
      note(`quern: serving ${name} at ${server.url} (POST /get_reward, POST /v1/rewards)`);
      if (json) printJson({ url: server.url, reward: name, warnings: warnings.list() });
      if (!signal.aborted) await once(signal, 'abort');
      await server.close();
    } finally {
      await reward.close();
    }
  } finally {
    await opened?.close();
  }
}

function onlyOne(reward: string, previous: string | undefined): string {
  if (previous === undefined) return reward;
  throw new InvalidArgumentError(`One is served: make them one, mix:1*${previous},1*${reward}.`);
}
