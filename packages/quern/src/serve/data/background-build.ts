import { Worker } from 'node:worker_threads';
import type { Embedder, TextKind } from '../../dense/embedder.ts';
import { QuernError } from '../../errors.ts';
import { receivedError, sentError, type SentError } from '../../sent-error.ts';
import {
  buildIndex,
  type BuildJob,
  type BuildProgress,
  type BuildSummary,
  type BuildWorkOptions,
} from './build-work.ts';

/** What the thread of a build knows of the embedder that it asks. */
export type EmbedderFacts = Pick<
  Embedder,
  'id' | 'dimensions' | 'contentHash' | 'maxTokens' | 'isNormalized'
>;

/** What the thread of a build is started with. */
export interface BuildThreadData {
  readonly job: BuildJob;
  readonly embedder?: EmbedderFacts;
}

/** What the thread of a build says. */
export type FromBuild =
  | { readonly progress: BuildProgress }
  | { readonly asked: number; readonly texts: readonly string[]; readonly as: TextKind }
  | { readonly built: BuildSummary }
  | { readonly error: SentError };

/** What the thread of a build is told. */
export type ToBuild =
  | { readonly stop: true }
  | { readonly answered: number; readonly vectors: Float32Array[] }
  | { readonly answered: number; readonly error: SentError };

/** How long a thread that was told to stop may take, in milliseconds, before it is ended. */
const patience = 10_000;

/**
 * {@link buildIndex} on a thread of its own, so that requests are answered meanwhile; the embedder is called on this one. Run
 * from its TypeScript sources, as tests do, all is on this thread: Node's threads do not read TypeScript.
 */
export function buildInBackground(job: BuildJob, options: BuildWorkOptions): Promise<BuildSummary> {
  return import.meta.url.endsWith('.ts') ? buildIndex(job, options) : onOtherThread(job, options);
}

async function onOtherThread(
  job: BuildJob,
  { embedder, signal, onProgress }: BuildWorkOptions,
): Promise<BuildSummary> {
  const workerData: BuildThreadData = { job, ...(embedder && { embedder: factsOf(embedder) }) };
  const worker = new Worker(new URL('build-worker.js', import.meta.url), { workerData });
  const tell = (message: ToBuild): void => worker.postMessage(message);
  const asking = new AbortController();
  let overdue: NodeJS.Timeout | undefined;
  // On its way through the thread it would lose what caused it.
  let refusal: unknown;
  const stop = (): void => {
    asking.abort();
    tell({ stop: true });
    overdue = setTimeout(() => void worker.terminate(), patience);
  };
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  try {
    return await new Promise<BuildSummary>((resolve, reject) => {
      worker.on('message', (message: FromBuild) => {
        if ('progress' in message) onProgress?.(message.progress);
        else if ('asked' in message) {
          void answered(message, embedder!, asking.signal, (error) => (refusal ??= error)).then(tell);
        } else if ('built' in message) resolve(message.built);
        else reject(refusal ?? receivedError(message.error, 'building'));
      });
      worker.once('error', (error) => reject(endedBy(error)));
      worker.once('exit', () => {
        const code = signal?.aborted ? 'ABORTED' : 'IO';
        reject(new QuernError(code, signal?.aborted ? 'stopped on request' : 'the build ended early'));
      });
    });
  } finally {
    clearTimeout(overdue);
    signal?.removeEventListener('abort', stop);
    asking.abort();
    // Only then does it hold nothing of the files any more.
    await worker.terminate();
    await exited;
  }
}

function factsOf({ id, dimensions, contentHash, maxTokens, isNormalized }: Embedder): EmbedderFacts {
  return { id, dimensions, contentHash, maxTokens, isNormalized };
}

async function answered(
  { asked, texts, as }: Extract<FromBuild, { readonly asked: number }>,
  embedder: Embedder,
  signal: AbortSignal,
  onRefusal: (error: unknown) => void,
): Promise<ToBuild> {
  try {
    return { answered: asked, vectors: await embedder.embed(texts, as, signal) };
  } catch (error) {
    onRefusal(error);
    return { answered: asked, error: sentError(error) };
  }
}

function endedBy(error: Error): Error {
  return (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? new QuernError('OUT_OF_MEMORY', 'not enough memory to build the index', { cause: error })
    : error;
}
