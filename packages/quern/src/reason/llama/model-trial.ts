import { spawn, type ChildProcess } from 'node:child_process';
import { realpath, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { fileError, QuernError, throwIfAborted } from '../../errors.ts';
import { receivedError, type SentError } from '../../sent-error.ts';
import { FileMemo, fileState, isSettled, type FileState } from '../../models/file-memo.ts';
import { llamaPackage } from '../../models/llama-runtime.ts';
import { silentWork, type OnWork, type Work } from '../../work.ts';
import { lastWords } from './last-words.ts';

export interface ModelTrialOptions {
  /** The folder of the cache: what has passed is remembered in `trials/` under it. */
  readonly folder: string;
  /** Default: the processor's cores. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Told how much of the model is loaded, of 100; not at all where the trial is remembered. */
  readonly onWork?: OnWork;
  /** How long, in milliseconds, a model that is loaded may give no sign while its first token is awaited. Default 60,000. */
  readonly patience?: number;
}

/** What the process of a trial is asked for. */
export interface TrialJob {
  /** The model, then its adapters. */
  readonly files: readonly string[];
  readonly threads?: number;
}

/** What the process of a trial says: that it can be asked, how far it is, and how it ended. */
export type TrialSign =
  'ready' | { readonly loaded: number } | 'evaluating' | 'passed' | { readonly error: SentError };

/**
 * Loads a model with its adapters in a process of its own and draws one token there, as llama.cpp ends its process on
 * some files that are damaged. Where that is remembered of these files in their present state and of this llama.cpp,
 * nothing is done; a file that changed in the last two seconds is not remembered.
 *
 * Throws what loading it throws, `CORRUPT_FILE` where llama.cpp breaks off, `UNSUPPORTED` where a loaded model gives no sign
 * for too long, `OUT_OF_MEMORY` also where the system ends the process, and `ABORTED`. The process is gone by then, and it
 * ends with this one, however that ends.
 */
export async function tryModel(files: readonly string[], options: ModelTrialOptions): Promise<void> {
  const { folder, signal, onWork } = options;
  throwIfAborted(signal);
  const before = await statesOf(files);
  const passed = `passed with node-llama-cpp ${await (await llamaPackage()).getModuleVersion()}`;
  const memo = new FileMemo(before, { folder, kind: 'trials', ending: '.trial' });
  if ((await memo.fact()) === passed) return;
  const started = Date.now();
  const work = onWork?.('trying the model', 100) ?? silentWork;
  try {
    await trial(files, options, work);
  } finally {
    work.stop();
  }
  const after = await statesOf(files);
  const isSame = before.every(({ text }, i) => text === after[i].text);
  if (isSame && before.every((state) => isSettled(state, started))) await memo.remember(passed);
}

function statesOf(files: readonly string[]): Promise<FileState[]> {
  return Promise.all(
    files.map(async (path) => {
      try {
        const place = await realpath(path);
        return fileState(place, await stat(place, { bigint: true }));
      } catch (error) {
        throw fileError(error, path);
      }
    }),
  );
}

function trial(
  files: readonly string[],
  { threads, signal, patience = 60_000 }: ModelTrialOptions,
  work: Work,
): Promise<void> {
  throwIfAborted(signal);
  const job: TrialJob = { files, threads };
  const where = files[0];
  const child = trialProcess();
  const words = lastWords(child.stderr!);
  return new Promise((resolve, reject) => {
    let isLoaded = false;
    let outcome: Error | 'passed' | undefined;
    let waiting: NodeJS.Timeout | undefined;
    const end = (how: Error | 'passed'): void => {
      outcome ??= how;
      child.kill('SIGKILL');
    };
    const stop = (): void => end(new QuernError('ABORTED', 'stopped on request'));
    signal?.addEventListener('abort', stop, { once: true });
    child.on('message', (sign: TrialSign) => {
      clearTimeout(waiting);
      if (sign === 'ready') {
        child.send(job, () => undefined);
      } else if (sign === 'evaluating') {
        isLoaded = true;
        waiting = setTimeout(() => end(tooSlow(where, patience)), patience);
      } else if (sign === 'passed') {
        end('passed');
      } else if ('loaded' in sign) {
        work.update(sign.loaded * 100);
      } else {
        end(receivedError(sign.error, 'trying a model'));
      }
    });
    child.on('error', (cause) => {
      outcome ??= new QuernError('IO', 'no process can be started to try it in', { where, cause });
    });
    child.on('close', (code, by) => {
      clearTimeout(waiting);
      signal?.removeEventListener('abort', stop);
      outcome ??= brokenOff({ where, isLoaded, code, by, words: words() });
      if (outcome === 'passed') resolve();
      else reject(outcome);
    });
  });
}

/** Its stdin is open as long as this process lives. */
function trialProcess(): ChildProcess {
  // From src/reason/llama and from dist/reason/llama this is the same file.
  const file = fileURLToPath(new URL('../../../dist/reason/llama/model-trial-process.js', import.meta.url));
  return spawn(process.execPath, [file], {
    stdio: ['pipe', 'ignore', 'pipe', 'ipc'],
    windowsHide: true,
    // Else ggml would let a debugger tell where it broke off.
    env: { ...process.env, GGML_NO_BACKTRACE: '1' },
  });
}

function tooSlow(where: string, patience: number): QuernError {
  return new QuernError(
    'UNSUPPORTED',
    `its chat template or its first token takes for ever (no sign for ${patience / 1000} s)`,
    { where, hint: 'Use another export of the model' },
  );
}

function brokenOff({
  where,
  isLoaded,
  code,
  by,
  words,
}: {
  readonly where: string;
  readonly isLoaded: boolean;
  readonly code: number | null;
  readonly by: NodeJS.Signals | null;
  readonly words: string;
}): QuernError {
  // What a terminal sends to all processes may arrive there first.
  if (by === 'SIGINT' || by === 'SIGTERM' || by === 'SIGHUP') {
    return new QuernError('ABORTED', 'stopped on request');
  }
  const stage = isLoaded ? 'evaluates' : 'loads';
  if (by === 'SIGKILL') {
    return new QuernError('OUT_OF_MEMORY', `the system ended the process that ${stage} it`, {
      where,
      hint: 'Free memory, or take a smaller model',
    });
  }
  const why = words || by || `exit code ${code}`;
  return new QuernError('CORRUPT_FILE', `llama.cpp breaks off while it ${stage} it (${why})`, {
    where,
    hint: 'Fetch or export it again',
  });
}
