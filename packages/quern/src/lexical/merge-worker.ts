/** The thread of a merge: see `background-merge.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { failedMerge, type MergeOutcome } from './background-merge.ts';
import { mergeSegments, type MergeJob } from './segment-merge.ts';

const outcome = await mergeSegments(workerData as MergeJob).then(
  (written): MergeOutcome => ({ written }),
  failedMerge,
);
parentPort!.postMessage(outcome);
