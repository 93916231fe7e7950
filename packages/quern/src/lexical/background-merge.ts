import { Worker } from 'node:worker_threads';
import { QuernError } from '../errors.ts';
import { removeFile } from './index-folder.ts';
import type { WrittenSegment } from './segment-draft.ts';
import { mergeSegments, type MergeJob } from './segment-merge.ts';
import { receivedError, type SentError } from '../sent-error.ts';

/** A merge under way. */
export interface BackgroundMerge {
  /** The segment that it writes. Where it fails, nothing of that is left. */
  readonly done: Promise<WrittenSegment>;
  /** Stops it; `done` then rejects with `ABORTED`. */
  stop(): void;
}

/** How a merge on another thread ended. */
export type MergeOutcome = { readonly written: WrittenSegment } | { readonly error: SentError };

/**
 * Starts a merge on a thread of its own, so that searches and commits go on. Run from its TypeScript sources, as tests
 * do, it is on this thread: Node's threads do not read TypeScript.
 */
export function startMerge(job: MergeJob): BackgroundMerge {
  const { done, stop } = import.meta.url.endsWith('.ts') ? onThisThread(job) : onOtherThread(job);
  const cleared = done.catch(async (error: unknown) => {
    await removeFile(job.out);
    throw error;
  });
  return { done: cleared, stop };
}

function onThisThread(job: MergeJob): BackgroundMerge {
  const controller = new AbortController();
  return { done: mergeSegments(job, controller.signal), stop: () => controller.abort() };
}

function onOtherThread(job: MergeJob): BackgroundMerge {
  const worker = new Worker(new URL('merge-worker.js', import.meta.url), { workerData: job });
  let stopped = false;
  const done = new Promise<WrittenSegment>((resolve, reject) => {
    worker.once('message', (outcome: MergeOutcome) => {
      if ('written' in outcome) resolve(outcome.written);
      else reject(receivedError(outcome.error, 'merging'));
    });
    worker.once('error', (error) => {
      const outOfMemory = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
      reject(
        outOfMemory ? new QuernError('IO', 'not enough memory to merge segments', { cause: error }) : error,
      );
    });
    worker.once('exit', () => {
      reject(
        new QuernError(stopped ? 'ABORTED' : 'IO', stopped ? 'stopped on request' : 'the merge ended early'),
      );
    });
  });
  return {
    done,
    stop: () => {
      stopped = true;
      void worker.terminate();
    },
  };
}
