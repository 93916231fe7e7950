/** The thread of a merge: see `background-merge.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import type { MergeOutcome } from './background-merge.ts';
import { mergeSegments, type MergeJob } from './segment-merge.ts';
import { sentError } from '../sent-error.ts';

const outcome = await mergeSegments(workerData as MergeJob).then(
  (written): MergeOutcome => ({ written }),
  (error: unknown): MergeOutcome => ({ error: sentError(error) }),
);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
parentPort!.postMessage(outcome);
