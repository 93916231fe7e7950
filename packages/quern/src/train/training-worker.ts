/** The thread of {@link trainInThread}. */
import { parentPort, workerData } from 'node:worker_threads';
import { sentError, type SentError } from '../sent-error.ts';
import type { TrainConfig } from './configuration/train-config.ts';
import type { Work } from '../work.ts';
import { train, type TrainingEvent, type TrainingOutcome } from './trainer.ts';

/** What a thread is started with. */
export interface TrainingThreadData {
  readonly config: TrainConfig;
  readonly resume: boolean;
}

/** What the thread is told. */
export interface ToThread {
  readonly stop: true;
}

/** A long stretch of work, by a number: it starts, is so far, ends. */
export type ToldWork = { readonly work: number } & (
  { readonly what: string; readonly total: number } | { readonly done: number } | { readonly isOver: true }
);

/** What the thread tells. */
export type FromThread =
  | { readonly event: TrainingEvent }
  | { readonly outcome: TrainingOutcome }
  | { readonly error: SentError }
  | ToldWork;

const { config, resume } = workerData as TrainingThreadData;
const port = parentPort!;
const stopping = new AbortController();
port.on('message', () => stopping.abort());

const tell = (message: FromThread): void => port.postMessage(message);
let works = 0;
const onWork = (what: string, total: number): Work => {
  const work = works++;
  tell({ work, what, total });
  // As often as a bar is drawn.
  let next = 0;
  return {
    update: (done) => {
      if (performance.now() < next) return;
      next = performance.now() + 100;
      tell({ work, done });
    },
    stop: () => tell({ work, isOver: true }),
  };
};
try {
  const onEvent = (event: TrainingEvent): void => tell({ event });
  tell({ outcome: await train(config, { resume, signal: stopping.signal, onEvent, onWork }) });
} catch (error) {
  tell({ error: sentError(error) });
}
port.close();
