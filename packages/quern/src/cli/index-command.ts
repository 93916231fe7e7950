import { Command } from 'commander';
import { openCorpus, type CorpusFormat } from '../collections/open-corpus.ts';
import { QuernError } from '../errors.ts';
import { appendCorpus } from '../lexical/append-corpus.ts';
import { indexCorpus } from '../lexical/index-corpus.ts';
import { readManifest } from '../lexical/manifest.ts';
import { Warnings } from '../warnings.ts';
import { indexDeleteCommand } from './index-delete-command.ts';
import { indexInfoCommand } from './index-info-command.ts';
import { interruptSignal } from './interrupt.ts';
import { shared } from './options.ts';
import { bytesText, durationText, note, print, printJson, printWarnings } from './output.ts';
import { startProgress } from './progress.ts';

interface Options {
  readonly out?: string;
  readonly append?: boolean;
  readonly format?: CorpusFormat;
  readonly analyzer?: string;
  readonly store?: boolean;
  readonly json?: boolean;
}

/** `quern index CORPUS --out FOLDER`, and `quern index delete` and `info` */
export function indexCommand(): Command {
  return (
    new Command('index')
      .description('Build an index from a corpus, add to it, delete from it, or look at it.')
      .argument(
        '<corpus>',
        'a BEIR folder, a JSONL file (id, title, text), a folder of .txt, .md and .text files, or JSON vectors',
      )
      // Required, but not by `delete` and `info`, which commander would ask for it too.
      .option('--out <folder>', 'the folder of the index (required)')
      .option('--append', 'add to the index in the folder; a document replaces the one with its id')
      .addOption(shared.format())
      .addOption(shared.analyzer())
      .option('--store', 'keep titles and texts for display')
      .addOption(shared.json())
      .addCommand(indexDeleteCommand())
      .addCommand(indexInfoCommand())
      .addHelpText(
        'after',
        `
An index that is in the folder already is replaced, unless --append is given.
A corpus that is called delete or info is given as ./delete or ./info.

Examples:
  $ quern index notes/ --out notes.index --store
  $ quern index more-notes/ --append --out notes.index
  $ quern index corpus.jsonl.gz --out corpus.index
  $ quern index vectors.jsonl.gz --format vectors --analyzer english+english --out v.index
  $ quern index delete notes.index old.txt
  $ quern index info notes.index`,
      )
      .hook('preSubcommand', checkPlaces)
      .action(run)
  );
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
  if (out === undefined) {
    throw new QuernError('USAGE', 'the folder of the index is missing', {
      where: '--out',
      hint: 'quern index --help shows examples',
    });
  }
  const started = performance.now();
  const signal = interruptSignal();
  const warnings = new Warnings();
  const corpus = await openCorpus(path, { format, warnings, signal });
  const progress = startProgress('indexing', corpus.bytes ?? 0);
  const onProgress = (_: number, bytes: number): void => progress.update(bytes);
  const before = append ? undefined : await documentsIn(out);
  const settings = { out, analyzer, store, signal, onProgress };
  const indexing = append ? appendCorpus(corpus, settings) : indexCorpus(corpus, settings);
  const summary = await indexing.finally(() => progress.stop());
  const milliseconds = performance.now() - started;
  printWarnings(warnings);
  if (json) {
    printJson({ index: out, ...summary, milliseconds, warnings: warnings.list() });
    return;
  }
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

/** The number of documents of the index in `folder`; undefined where there is none that can be read. */
function documentsIn(folder: string): Promise<number | undefined> {
  return readManifest(folder).then(
    ({ totals }) => totals.documents,
    () => undefined,
  );
}
