import { Command } from 'commander';
import { openCorpus, type CorpusFormat } from '../collections/open-corpus.ts';
import { indexCorpus } from '../lexical/index-corpus.ts';
import { Warnings } from '../warnings.ts';
import { interruptSignal } from './interrupt.ts';
import { shared } from './options.ts';
import { bytesText, durationText, print, printJson, printWarnings } from './output.ts';
import { startProgress } from './progress.ts';

interface Options {
  readonly out: string;
  readonly format?: CorpusFormat;
  readonly analyzer?: string;
  readonly store?: boolean;
  readonly json?: boolean;
}

/** `quern index CORPUS --out FOLDER` */
export function indexCommand(): Command {
  return new Command('index')
    .description('Build an index from a corpus.')
    .argument(
      '<corpus>',
      'a BEIR folder, a JSONL file (id, title, text), a folder of .txt, .md and .text files, or JSON vectors',
    )
    .requiredOption('--out <folder>', 'the folder of the index')
    .addOption(shared.format())
    .addOption(shared.analyzer())
    .option('--store', 'keep titles and texts for display')
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Examples:
  $ quern index notes/ --out notes.index --store
  $ quern index corpus.jsonl.gz --out corpus.index
  $ quern index vectors.jsonl.gz --format vectors --analyzer english+english --out v.index`,
    )
    .action(run);
}

async function run(path: string, { out, format, analyzer, store, json }: Options): Promise<void> {
  const started = performance.now();
  const signal = interruptSignal();
  const warnings = new Warnings();
  const corpus = await openCorpus(path, { format, warnings, signal });
  const progress = startProgress('indexing', corpus.bytes ?? 0);
  const summary = await indexCorpus(corpus, {
    out,
    analyzer,
    store,
    signal,
    onProgress: (_, bytes) => progress.update(bytes),
  }).finally(() => progress.stop());
  const milliseconds = performance.now() - started;
  printWarnings(warnings);
  if (json) {
    printJson({ index: out, ...summary, milliseconds, warnings: warnings.list() });
    return;
  }
  const { documents, terms, postings, tokens, bytes } = summary;
  print(
    `${out}: ${documents} documents, ${tokens} tokens, ${terms} terms, ${postings} postings, ` +
      `${bytesText(bytes)}, in ${durationText(milliseconds)} (analyzer ${summary.analyzer})`,
  );
}
