/** Training in a thread of its own, so that signals, pages and timers of the process are not held up by it. */
import { Worker } from 'node:worker_threads';
import { QuernError } from '../errors.ts';
import { receivedError } from '../sent-error.ts';
import type { TrainConfig } from './configuration/train-config.ts';
import type { TrainingEvent, TrainingOutcome } from './trainer.ts';
import { silentWork, type OnWork, type Work } from '../work.ts';
import type { FromThread, ToldWork, ToThread, TrainingThreadData } from './training-worker.ts';

/** How a run in a thread is begun or taken up. */
export interface ThreadOptions {
  readonly resume?: boolean;
  readonly onEvent?: (event: TrainingEvent) => void;
  readonly onWork?: OnWork;
  /** Stops it: what was done is kept in a checkpoint. */
  readonly signal?: AbortSignal;
}

/** `train` in a thread: returns and throws what it does, and `IO` where the thread ends by itself. */
export async function trainInThread(
  config: TrainConfig,
  options: ThreadOptions = {},
): Promise<TrainingOutcome> {
  const { resume = false, onEvent, onWork, signal } = options;
  const works = new Map<number, Work>();
  const file = new URL(
    import.meta.url.endsWith('.ts') ? './training-worker.ts' : './training-worker.js',
    import.meta.url,
  );
  const worker = new Worker(file, { workerData: { config, resume } satisfies TrainingThreadData });
  const stop = (): void => worker.postMessage({ stop: true } satisfies ToThread);
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  try {
    return await new Promise<TrainingOutcome>((resolve, reject) => {
      worker.on('message', (message: FromThread) => {
        if ('event' in message) onEvent?.(message.event);
        else if ('work' in message) hear(message, works, onWork);
        else if ('outcome' in message) resolve(message.outcome);
        else reject(receivedError(message.error, 'training'));
      });
      worker.once('error', (cause) => reject(ended(config, cause)));
      worker.once('exit', () => reject(ended(config)));
    });
  } finally {
    signal?.removeEventListener('abort', stop);
    for (const work of works.values()) work.stop();
    await worker.terminate();
  }
}

/** Hands on what the thread tells of a long stretch of work. */
function hear({ work, ...told }: ToldWork, works: Map<number, Work>, onWork: OnWork | undefined): void {
  if ('what' in told) works.set(work, onWork?.(told.what, told.total) ?? silentWork);
  else if ('done' in told) works.get(work)?.update(told.done);
  else {
    works.get(work)?.stop();
    works.delete(work);
  }
}

function ended({ output_dir: where }: TrainConfig, cause?: unknown): QuernError {
  return new QuernError('IO', 'the thread that trains ended', {
    where,
    hint: 'Perhaps there was no memory left; --resume goes on from the last checkpoint',
    cause,
  });
}
