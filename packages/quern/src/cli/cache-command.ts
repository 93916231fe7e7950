import { join } from 'node:path';
import { Command } from 'commander';
import { QuernError } from '../errors.ts';
import { defaultCacheFolder } from '../cache-folder.ts';
import { conversionsIn, removeConversions, type Conversions } from '../models/conversion-cache.ts';
import type { CacheStats } from '../reason/cache/cache-stats.ts';
import { ReasonedQueryCache } from '../reason/cache/reasoned-query-cache.ts';
import { Warnings } from '../warnings.ts';
import { ageNamed, sizeNamed } from '../durations.ts';
import { parsed, shared } from './options.ts';
import { oneLine } from '../one-line.ts';
import { bytesText, print, printJson, printWarnings, table, note } from './output.ts';

interface Options {
  readonly cache?: string;
  readonly json?: boolean;
}

interface PruneOptions extends Options {
  readonly olderThan?: number;
  readonly maxSize?: number;
  readonly reasoner?: string;
}

/** `quern cache stats`, `prune` and `clear` */
export function cacheCommand(): Command {
  return new Command('cache')
    .description('Look at the reasoned queries that are remembered, or remove some or all.')
    .addCommand(statsCommand())
    .addCommand(pruneCommand())
    .addCommand(clearCommand())
    .addHelpText(
      'after',
      `
Examples:
  $ quern cache stats
  $ quern cache prune --older-than 30d --max-size 100MB
  $ quern cache clear`,
    );
}

function statsCommand(): Command {
  return new Command('stats')
    .description('Show how many reasoned queries are remembered, and of which reasoners.')
    .addOption(shared.cache())
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Examples:
  $ quern cache stats
  $ quern cache stats --cache other-cache --json`,
    )
    .action(stats);
}

function pruneCommand(): Command {
  return new Command('prune')
    .description('Remove reasoned queries that are old, too many, or of one reasoner.')
    .option(
      '--older-than <age>',
      'those that were neither made nor used for so long, such as 12h or 30d',
      parsed(ageNamed),
    )
    .option('--max-size <size>', 'the longest unused, until the rest takes no more', parsed(sizeNamed))
    .option('--reasoner <name>', 'those of one reasoner, named as quern cache stats names it')
    .addOption(shared.cache())
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
At least one of --older-than, --max-size and --reasoner says what to remove; what any of them says is removed.

Examples:
  $ quern cache prune --older-than 30d
  $ quern cache prune --max-size 100MB
  $ quern cache prune --reasoner llama:qr-1.5b-q8_0.gguf`,
    )
    .action(prune);
}

function clearCommand(): Command {
  return new Command('clear')
    .description('Remove all reasoned queries.')
    .option('--models', 'and the models that were converted; they are converted again when they are needed')
    .addOption(shared.cache())
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Examples:
  $ quern cache clear
  $ quern cache clear --models --cache other-cache`,
    )
    .action(clear);
}

interface ClearOptions extends Options {
  readonly models?: boolean;
}

const nothing: CacheStats = { entries: 0, bytesOnDisk: 0, bytesOfText: 0, reasoners: [] };

async function stats(options: Options): Promise<void> {
  await withCache(options, async (cache, folder) => {
    const found = (await cache?.stats()) ?? nothing;
    const converted = await conversionsIn(join(folder, 'models'));
    return {
      json: { ...found, converted },
      text: () => {
        const { entries, bytesOnDisk, bytesOfText, oldest, newest, reasoners } = found;
        const sizes = `${bytesText(bytesOfText)} of text, ${bytesText(bytesOnDisk)} on disk`;
        print(`${folder}: ${reasonedQueries(entries)}, ${sizes}`);
        if (converted.models > 0) print(`converted models: ${convertedText(converted)}`);
        if (oldest === undefined || newest === undefined) return;
        print(`made from ${timeText(oldest)} to ${timeText(newest)}`);
        const rows = reasoners.map((share) => [
          oneLine(share.reasoner),
          String(share.entries),
          String(share.promptTokens),
          String(share.completionTokens),
        ]);
        print();
        print(table([['reasoner', 'queries', 'prompt tokens', 'completion tokens'], ...rows]));
      },
    };
  });
}

async function prune(options: PruneOptions): Promise<void> {
  const { olderThan, maxSize: maxBytes, reasoner } = options;
  if (olderThan === undefined && maxBytes === undefined && reasoner === undefined) {
    throw new QuernError('USAGE', 'nothing says what to remove', {
      hint: 'Give --older-than, --max-size or --reasoner; quern cache clear removes all',
    });
  }
  await removing(options, (cache) => cache.prune({ olderThan, maxBytes, reasoner }));
}

async function clear(options: ClearOptions): Promise<void> {
  await removing(options, (cache) => cache.clear());
  if (!options.models) return;
  const removed = await removeConversions(join(options.cache || defaultCacheFolder(), 'models'));
  note(`quern: converted models removed: ${convertedText(removed)}`);
}

function convertedText({ models, bytes }: Conversions): string {
  return `${models} file${models === 1 ? '' : 's'}, ${bytesText(bytes)}`;
}

async function removing(
  options: Options,
  remove: (cache: ReasonedQueryCache) => Promise<number>,
): Promise<void> {
  await withCache(options, async (cache, folder) => {
    const removed = cache ? await remove(cache) : 0;
    const { entries: left } = (await cache?.stats()) ?? nothing;
    return {
      json: { removed, left },
      text: () => print(`${folder}: ${reasonedQueries(removed)} removed, ${left} left`),
    };
  });
}

/** Does `work` with the cache, where there is one, closes it, and prints what came of it. */
async function withCache(
  { cache: given, json }: Options,
  work: (
    cache: ReasonedQueryCache | undefined,
    folder: string,
  ) => Promise<{ json: Record<string, unknown>; text: () => void }>,
): Promise<void> {
  const started = performance.now();
  const folder = given || defaultCacheFolder();
  const warnings = new Warnings();
  const cache = await ReasonedQueryCache.openExisting(folder, { warnings });
  try {
    if (cache?.unusable) throw cache.unusable;
    const result = await work(cache, folder);
    printWarnings(warnings);
    const milliseconds = performance.now() - started;
    if (json) printJson({ cache: folder, ...result.json, milliseconds, warnings: warnings.list() });
    else result.text();
  } finally {
    await cache?.close();
  }
}

function reasonedQueries(count: number): string {
  return `${count} reasoned quer${count === 1 ? 'y' : 'ies'}`;
}

/** A time to the minute, in UTC. */
function timeText(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
