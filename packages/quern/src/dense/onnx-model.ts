import { Worker } from 'node:worker_threads';
import { orAborted, QuernError, throwIfAborted } from '../errors.ts';
import { receivedError } from '../sent-error.ts';
import type {
  OnnxAnswer,
  OnnxRequest,
  OnnxThreadData,
  RunRequest,
  RunResult,
  TokensRequest,
} from './onnx-thread.ts';
import type { TokenSequence } from './token-encoder.ts';

/** From src/dense and from dist/dense this is the same file. */
const threadFile = new URL('../../dist/dense/onnx-thread.js', import.meta.url);

type Told = (outcome: OnnxAnswer | { readonly failure: Error }) => void;

interface Thread {
  readonly worker: Worker;
  /** Told how the requests that it has been given end, the first one first. */
  readonly waiting: Told[];
}

/**
 * An ONNX model on a thread of its own, which starts with the first request and answers one after the other, so that several
 * callers take turns. Where the thread dies, what waits for it fails with `IO`, and the next request starts another.
 */
export class OnnxModel {
  readonly #data: OnnxThreadData;
  readonly #file: URL;
  #thread: Thread | undefined;
  #isClosed = false;

  /** The model that `data` names; `file` is the thread's program. */
  constructor(data: OnnxThreadData, file = threadFile) {
    this.#data = data;
    this.#file = file;
  }

  /** The tokens of each text. Throws what loading throws, `IO` and `ABORTED`. */
  async tokens(request: TokensRequest, signal?: AbortSignal): Promise<readonly TokenSequence[]> {
    const answer = await this.#answer({ tokens: request }, signal);
    return (answer as { sequences: readonly TokenSequence[] }).sequences;
  }

  /** The vectors of one batch. Throws what {@link tokens} throws, `OUT_OF_MEMORY`, `UNSUPPORTED` and `BAD_REPLY`. */
  async run(request: RunRequest, signal?: AbortSignal): Promise<RunResult> {
    return (await this.#answer({ run: request }, signal)) as RunResult;
  }

  /**
   * Ends the thread, once the batch that it works on is done: ended by force within ONNX Runtime, it would take the process
   * with it. What waits for it rejects with `ABORTED` at once.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (!this.#thread) return;
    const { worker, waiting } = this.#thread;
    while (waiting.length > 0) waiting.shift()!({ failure: this.#closed() });
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.ref();
    worker.postMessage({ end: true } satisfies OnnxRequest);
    await ended;
  }

  async #answer(request: OnnxRequest, signal: AbortSignal | undefined): Promise<OnnxAnswer> {
    throwIfAborted(signal);
    if (this.#isClosed) throw this.#closed();
    const answer = this.#asked(request);
    if (!signal) return answer;
    // What a thread still works on when nobody waits any more may fail unseen.
    answer.catch(() => undefined);
    return orAborted(answer, signal);
  }

  #asked(request: OnnxRequest): Promise<OnnxAnswer> {
    const thread = (this.#thread ??= this.#started());
    return new Promise((resolve, reject) => {
      // A process may end while its thread is idle, not while it works or ends.
      thread.worker.ref();
      thread.waiting.push((outcome) => {
        if (thread.waiting.length === 0 && !this.#isClosed) thread.worker.unref();
        if ('failure' in outcome) reject(outcome.failure);
        else if ('error' in outcome) reject(receivedError(outcome.error, 'running an ONNX model'));
        else resolve(outcome);
      });
      thread.worker.postMessage(request);
    });
  }

  #started(): Thread {
    const thread: Thread = { worker: new Worker(this.#file, { workerData: this.#data }), waiting: [] };
    const failed = (cause: unknown): void => {
      if (this.#thread === thread) this.#thread = undefined;
      const failure = this.#isClosed
        ? this.#closed()
        : new QuernError('IO', 'the thread that runs the model ended', {
            where: this.#data.folder,
            hint: 'Perhaps there was no memory left',
            cause,
          });
      while (thread.waiting.length > 0) thread.waiting.shift()!({ failure });
    };
    thread.worker.on('message', (outcome: OnnxAnswer) => thread.waiting.shift()?.(outcome));
    thread.worker.on('messageerror', failed);
    thread.worker.on('error', failed);
    thread.worker.on('exit', () => failed(undefined));
    thread.worker.unref();
    return thread;
  }

  #closed(): QuernError {
    return new QuernError('ABORTED', 'the model is closed', { where: this.#data.folder });
  }
}
