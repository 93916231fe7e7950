/** The thread of {@link trainInThread}. */
import { parentPort, workerData } from 'node:worker_threads';
import { sentError, type SentError } from '../sent-error.ts';
import type { TrainConfig } from './configuration/train-config.ts';
import { train, type TrainingEvent, type TrainingOutcome } from './trainer.ts';

/** What a thread is started with. */
export interface TrainingThreadData {
  readonly config: TrainConfig;
  readonly resume: boolean;
}

export interface ToThread {
  readonly stop: true;
}

export type FromThread =
  { readonly event: TrainingEvent } | { readonly outcome: TrainingOutcome } | { readonly error: SentError };

const { config, resume } = workerData as TrainingThreadData;
const port = parentPort!;
const stopping = new AbortController();
port.on('message', () => stopping.abort());

const tell = (message: FromThread): void => port.postMessage(message);
try {
  tell({
    outcome: await train(config, { resume, signal: stopping.signal, onEvent: (event) => tell({ event }) }),
  });
} catch (error) {
  tell({ error: sentError(error) });
}
port.close();
