import { openCorpus, type CorpusFormat } from '../collections/open-corpus.ts';
import { QuernError } from '../errors.ts';
import { openSearchAddress } from '../opensearch/address.ts';
import { loadCorpus } from '../opensearch/load-corpus.ts';
import { Warnings } from '../warnings.ts';
import { interruptSignal } from './interrupt.ts';
import { durationText, note, orWarnings, print, printJson, printWarnings } from './output.ts';
import { startProgress } from './progress.ts';

/** Options of `quern index CORPUS --to`. */
export interface LoadOptions {
  readonly to: string;
  readonly shards?: number;
  readonly replicas?: number;
  readonly format?: CorpusFormat;
  readonly analyzer?: string;
  readonly store?: boolean;
  readonly json?: boolean;
}

/** `quern index CORPUS --to opensearch:INDEX@URL` */
export async function loadIndex(path: string, options: LoadOptions): Promise<void> {
  const { to, shards, replicas, format, analyzer, store, json } = options;
  const { name } = openSearchAddress(to);
  if (analyzer !== undefined && analyzer !== 'english') {
    throw new QuernError('USAGE', `OpenSearch is told Quern’s english analysis only, not ${analyzer}`, {
      where: '--analyzer',
      hint: 'Leave it out, or index in a folder: --out FOLDER',
    });
  }
  const started = performance.now();
  const signal = interruptSignal();
  const warnings = new Warnings();
  const corpus = await openCorpus(path, { format, warnings, signal });
  const progress = startProgress('loading', corpus.bytes ?? 0);
  const loading = loadCorpus(corpus, {
    to,
    shards,
    replicas,
    store,
    signal,
    onProgress: (_, bytes) => progress.update(bytes),
  }).catch((error: unknown) => {
    if (error instanceof QuernError && error.code === 'ABORTED') {
      note('quern: what was loaded is in the index, and the same command goes on from there');
    }
    throw error;
  });
  const summary = await orWarnings(loading, warnings).finally(() => progress.stop());
  const milliseconds = performance.now() - started;
  printWarnings(warnings);
  if (json) {
    printJson({ index: name, ...summary, milliseconds, warnings: warnings.list() });
    return;
  }
  const { documents, tokens, present, timesPushedBack } = summary;
  const before = present > 0 ? `, ${present} of them from a load that was broken off` : '';
  const waits = timesPushedBack > 0 ? `; the cluster took no more ${timesPushedBack} times` : '';
  print(
    `${name}: ${documents} documents${before}, ${tokens} tokens, ${summary.shards} shards and ${summary.replicas} replicas, ` +
      `in ${durationText(milliseconds)} (analyzer ${summary.analyzer})${waits}`,
  );
}
