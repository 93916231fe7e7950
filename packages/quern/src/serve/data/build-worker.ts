/** The thread of a build: see `background-build.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Embedder } from '../../dense/embedder.ts';
import { orAborted } from '../../errors.ts';
import { receivedError, sentError } from '../../sent-error.ts';
import type { BuildThreadData, EmbedderFacts, FromBuild, ToBuild } from './background-build.ts';
import { buildIndex, type BuildProgress } from './build-work.ts';

/** Milliseconds between two words about how far it is. */
const interval = 200;

const { job, embedder } = workerData as BuildThreadData;
const stopping = new AbortController();
const { signal } = stopping;
const port = parentPort!;
const tell = (message: FromBuild): void => port.postMessage(message);

/** The embedder of the other thread. */
function askedEmbedder(facts: EmbedderFacts): Embedder {
  let asked = 0;
  const waiting = new Map<number, (answer: Exclude<ToBuild, { readonly stop: true }>) => void>();
  port.on('message', (message: ToBuild) => {
    if (!('answered' in message)) return;
    waiting.get(message.answered)?.(message);
    waiting.delete(message.answered);
  });
  return {
    ...facts,
    async embed(texts, as) {
      const number = asked++;
      const answer = new Promise<Exclude<ToBuild, { readonly stop: true }>>((resolve) => {
        waiting.set(number, resolve);
      });
      tell({ asked: number, texts, as });
      const given = await orAborted(answer, signal);
      if ('error' in given) throw receivedError(given.error, 'embedding');
      return given.vectors;
    },
    close: async () => undefined,
  };
}

port.on('message', (message: ToBuild) => {
  if ('stop' in message) stopping.abort();
});
let last = { at: 0, stage: '' };
let untold: BuildProgress | undefined;
const outcome = await buildIndex(job, {
  ...(embedder && { embedder: askedEmbedder(embedder) }),
  signal,
  onProgress: (progress) => {
    const now = performance.now();
    untold = progress;
    if (progress.stage === last.stage && now - last.at < interval) return;
    last = { at: now, stage: progress.stage };
    untold = undefined;
    tell({ progress });
  },
}).then(
  (built): FromBuild => ({ built }),
  (error: unknown): FromBuild => ({ error: sentError(error) }),
);
if (untold) tell({ progress: untold });
tell(outcome);
