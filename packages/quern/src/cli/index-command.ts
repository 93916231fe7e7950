import { Command, Option } from 'commander';
import { openCorpus, type CorpusFormat } from '../collections/open-corpus.ts';
import { QuernError } from '../errors.ts';
import { appendCorpus } from '../lexical/append-corpus.ts';
import { indexCorpus } from '../lexical/index-corpus.ts';
import { readManifest } from '../lexical/manifest.ts';
import { Warnings } from '../warnings.ts';
import { checkEmbeddable } from '../dense/document-vectors.ts';
import { checkJournal, embedAhead } from '../dense/embed-ahead.ts';
import type { EmbeddingCounts } from '../dense/embed-all.ts';
import { embedCorpus, type EmbedCorpusSummary } from '../dense/embed-corpus.ts';
import { checkVectorsToAppend, removeOtherVectors, vectorsThatGo } from '../dense/vectors-made.ts';
import { closeEmbedders, openEmbedders, retrieverNamed } from '../search/retrievers.ts';
import { addDenseOptions, denseSettings, embedderSettings, type DenseOptions } from './dense-options.ts';
import { warnOfIdleDenseOptions } from './idle-options.ts';
import { indexDeleteCommand } from './index-delete-command.ts';
import { indexInfoCommand } from './index-info-command.ts';
import { interruptSignal } from './interrupt.ts';
import { loadIndex } from './index-load.ts';
import { checkIsFolder, positiveInteger, shared, wholeNumber } from './options.ts';
import { bytesText, durationText, note, print, printJson, printWarnings } from './output.ts';
import { startProgress } from './progress.ts';

/** A text that any embedder has a vector of. */
const probe = 'quern';

interface Options extends DenseOptions {
  readonly to?: string;
  readonly shards?: number;
  readonly replicas?: number;
  readonly dense?: string;
  readonly out?: string;
  readonly append?: boolean;
  readonly format?: CorpusFormat;
  readonly analyzer?: string;
  readonly store?: boolean;
  readonly json?: boolean;
}

/** `quern index CORPUS --out FOLDER` or `--to opensearch:INDEX@URL`, and `quern index delete` and `info` */
export function indexCommand(): Command {
  const command = new Command('index')
    .description('Build an index from a corpus, add to it, delete from it, or look at it.')
    .argument(
      '<corpus>',
      'a BEIR folder, a JSONL file (id, title, text), a folder of .txt, .md and .text files, or JSON vectors',
    )
    // Required, but not by `delete` and `info`, which commander would ask for it too.
    .option('--out <folder>', 'the folder of the index (this, or --to, is required)')
    .option(
      '--to <index>',
      'an index in OpenSearch, opensearch:INDEX@URL: created, and loaded with the documents',
    )
    .addOption(
      new Option('--shards <number>', 'with --to: its shards (default: 1)').argParser(positiveInteger),
    )
    .addOption(
      new Option(
        '--replicas <number>',
        'with --to: copies of each shard, on other nodes (default: 1)',
      ).argParser(wholeNumber),
    )
    .option('--append', 'add to the index in the folder; a document replaces the one with its id')
    .addOption(shared.format())
    .addOption(shared.analyzer())
    .option('--store', 'keep titles and texts for display')
    .option('--dense <embedder>', 'embed the documents too: onnx:…, llama:…, torch:… or openai:MODEL@URL');
  return addDenseOptions(command)
    .addOption(shared.json())
    .addCommand(indexDeleteCommand())
    .addCommand(indexInfoCommand())
    .addHelpText(
      'after',
      `
An index that is in the folder already is replaced, unless --append is given.
Embedding, or loading into OpenSearch, that was broken off goes on where it was when the command is given again.
User and password of a cluster stand in the URL, or in OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD.
A corpus that is called delete or info is given as ./delete or ./info.

Examples:
  $ quern index notes/ --out notes.index --store
  $ quern index more-notes/ --append --out notes.index
  $ quern index corpus.jsonl.gz --out corpus.index
  $ quern index corpus.jsonl.gz --out corpus.index --store --dense onnx:Xenova/all-MiniLM-L6-v2
  $ quern index vectors.jsonl.gz --format vectors --analyzer english+english --out v.index
  $ quern index corpus.jsonl.gz --to opensearch:corpus@http://localhost:9200 --shards 3 --replicas 1
  $ quern index delete notes.index old.txt
  $ quern index info notes.index`,
    )
    .hook('preSubcommand', checkPlaces)
    .action(run);
}

/** Throws `USAGE` for options before the name of a command under `index`: that command would not see them. */
function checkPlaces(index: Command, command: Command): void {
  for (const option of index.options) {
    if (index.getOptionValueSource(option.attributeName()) !== 'cli') continue;
    const name = `quern index ${command.name()}`;
    const isItsOwn = command.options.some(({ long }) => long === option.long);
    throw new QuernError(
      'USAGE',
      isItsOwn ? `stands before ${command.name()}` : `${name} has no such option`,
      {
        where: option.long,
        hint: isItsOwn ? `Give it after: ${name} … ${option.long}` : `${name} --help shows its options`,
      },
    );
  }
}

async function run(path: string, options: Options): Promise<void> {
  const { out, append, format, analyzer, store, json } = options;
  if (options.to !== undefined) {
    checkLoadOptions(options);
    await loadIndex(path, { ...options, to: options.to });
    return;
  }
  for (const option of ['shards', 'replicas'] as const) {
    if (options[option] === undefined) continue;
    throw new QuernError('USAGE', 'it is of an index in OpenSearch', {
      where: `--${option}`,
      hint: 'Give --to, too',
    });
  }
  if (out === undefined) {
    throw new QuernError('USAGE', 'the folder of the index is missing', {
      where: '--out',
      hint: 'quern index --help shows examples',
    });
  }
  checkIsFolder(out, '--out');
  const started = performance.now();
  const signal = interruptSignal();
  const warnings = new Warnings();
  if (options.dense === undefined) warnOfIdleDenseOptions(options, 'without --dense', warnings);
  const dense = options.dense === undefined ? [] : retrieverNamed(`dense:${options.dense}`).embedders;
  const embedders = await openEmbedders(
    { embedders: dense },
    { ...embedderSettings(options, warnings), signal },
  );
  try {
    const corpus = await openCorpus(path, { format, warnings, signal });
    if (embedders.size > 0) checkEmbeddable(corpus);
    if (append) await checkVectorsToAppend(out, [...embedders.values()], options.passages);
    // An embedder that does not work is to fail before the index in the folder is replaced.
    for (const embedder of embedders.values()) await embedder.embed([probe], 'document', signal);
    const making = { ...denseSettings(options), folder: out, signal, onWork: startProgress };
    let ahead: EmbeddingCounts | undefined;
    for (const embedder of embedders.values()) {
      await checkJournal(out, embedder);
      if (!append) continue;
      ahead = await embedAhead(await openCorpus(path, { format, signal }), { ...making, embedder });
    }
    const before = append ? undefined : await documentsIn(out);
    const gone = before === undefined ? [] : await vectorsThatGo(out, [...embedders.values()]);
    const progress = startProgress('indexing', corpus.bytes ?? 0);
    const onProgress = (_: number, bytes: number): void => progress.update(bytes);
    const settings = { out, analyzer, store, signal, onProgress };
    const indexing = append ? appendCorpus(corpus, settings) : indexCorpus(corpus, settings);
    const summary = await indexing.finally(() => progress.stop());
    const milliseconds = performance.now() - started;
    if (!append) await removeOtherVectors(out, [...embedders.values()]);
    const vectors: EmbedCorpusSummary[] = [];
    for (const embedder of embedders.values()) {
      // What is odd in the corpus has been said.
      const again = await openCorpus(path, { format, signal });
      vectors.push({ ...(await embedCorpus(again, { ...making, embedder, append })), ...ahead });
    }
    printWarnings(warnings);
    const total = performance.now() - started;
    if (json) {
      const record = { index: out, ...summary, ...(vectors[0] && { dense: vectors[0] }) };
      printJson({ ...record, milliseconds: total, warnings: warnings.list() });
      return;
    }
    printSummary(out, summary, { before, milliseconds });
    if (gone.length > 0) note(`quern: its vectors of ${gone.join(', ')} are gone with it`);
    for (const each of vectors) printVectors(each, total - milliseconds);
  } catch (error) {
    if (embedders.size > 0 && error instanceof QuernError && error.code === 'ABORTED') {
      note('quern: what was embedded is kept, and the same command goes on from there');
    }
    throw error;
  } finally {
    await closeEmbedders(embedders);
  }
}

/** Throws `USAGE` for options that an index in a cluster has no use for. */
function checkLoadOptions(options: Options): void {
  for (const option of ['out', 'append', 'dense'] as const) {
    if (options[option] === undefined) continue;
    throw new QuernError('USAGE', 'it does not go with --to', {
      where: `--${option}`,
      hint: 'An index in OpenSearch is loaded once, with texts alone',
    });
  }
}

function printSummary(
  out: string,
  summary: Awaited<ReturnType<typeof appendCorpus>> | Awaited<ReturnType<typeof indexCorpus>>,
  { before, milliseconds }: { readonly before: number | undefined; readonly milliseconds: number },
): void {
  const end = `in ${durationText(milliseconds)} (analyzer ${summary.analyzer})`;
  if ('added' in summary) {
    const { added, replaced, documents, segments } = summary;
    const parts = `${segments} segment${segments === 1 ? '' : 's'}`;
    print(`${out}: ${added} added, ${replaced} replaced, now ${documents} documents in ${parts}, ${end}`);
    return;
  }
  const { documents, terms, postings, tokens, bytes } = summary;
  if (before !== undefined) note(`quern: the index that was in ${out}, of ${before} documents, is replaced`);
  print(
    `${out}: ${documents} documents, ${tokens} tokens, ${terms} terms, ${postings} postings, ` +
      `${bytesText(bytes)}, ${end}`,
  );
}

function printVectors(summary: EmbedCorpusSummary, milliseconds: number): void {
  const { folder, documents, vectors, reused, dimensions, precision, method, recall, bytes } = summary;
  const kept = reused > 0 ? `, ${reused} of them embedded before or repeated` : '';
  const found = recall ? ` (recall@${recall.at} ${recall.mean.toFixed(4)} of exact search)` : '';
  print(
    `${folder}: ${vectors} passages of ${documents} documents${kept}, ${dimensions} × ${precision}, ` +
      `${bytesText(bytes)}, ${method} search${found}, in ${durationText(milliseconds)}`,
  );
}

/** The number of documents of the index in `folder`; undefined where there is none that can be read. */
function documentsIn(folder: string): Promise<number | undefined> {
  return readManifest(folder).then(
    ({ totals }) => totals.documents,
    () => undefined,
  );
}
