/** The thread of a merge: see `background-merge.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { failedMerge, type MergeOutcome } from './background-merge.ts';
import { mergeSegments, type MergeJob } from './segment-merge.ts';

const outcome = await mergeSegments(workerData as MergeJob).then(
  (written): MergeOutcome => ({ written }),
  failedMerge,
);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
parentPort!.postMessage(outcome);
