import { Worker } from 'node:worker_threads';
import { QuernError, type QuernErrorCode } from '../errors.ts';
import { removeFile } from './index-folder.ts';
import type { WrittenSegment } from './segment-draft.ts';
import { mergeSegments, type MergeJob } from './segment-merge.ts';

/** A merge under way. */
export interface BackgroundMerge {
  /** The segment that it writes. Where it fails, nothing of that is left. */
  readonly done: Promise<WrittenSegment>;
  /** Stops it; `done` then rejects with `ABORTED`. */
  stop(): void;
}

/** How a merge on another thread ended: an error loses its class on the way. */
export type MergeOutcome =
  | { readonly written: WrittenSegment }
  | { readonly code: QuernErrorCode; readonly what: string; readonly where?: string; readonly hint?: string }
  | { readonly stack: string };

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
      else if ('code' in outcome) reject(new QuernError(outcome.code, outcome.what, outcome));
      else reject(new Error(`merging failed: ${outcome.stack}`));
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

/** What the thread of a merge sends of an error. */
export function failedMerge(error: unknown): MergeOutcome {
  if (!(error instanceof QuernError)) return { stack: error instanceof Error ? error.stack! : String(error) };
  const { code, what, where, hint } = error;
  return { code, what, where, hint };
}
