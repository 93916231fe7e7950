import type { Llama, LlamaContext, LlamaModel } from 'node-llama-cpp';
import { QuernError, throwIfAborted } from '../errors.ts';

/** What a model is opened with. */
export interface LlamaSettings {
  /** Paths of GGUF files of LoRA adapters, all applied at full strength. */
  readonly adapters?: readonly string[];
  /** How many sequences are evaluated at once. */
  readonly sequences: number;
  /** Tokens that one sequence holds: prompt and completion. */
  readonly contextTokens: number;
  readonly signal?: AbortSignal;
  /** Told the share that is loaded, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

/** A model that llama.cpp has loaded, with a context to evaluate it in. */
export interface LoadedLlama {
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  close(): Promise<void>;
}

let runtime: Promise<Llama> | undefined;
let users = 0;

/**
 * Loads a GGUF file with llama.cpp (node-llama-cpp's prebuilt binary; nothing is downloaded or compiled), on a GPU if it
 * finds one, else on as many threads as the processor has cores. Throws `MISSING_PACKAGE`, `CORRUPT_FILE` where llama.cpp
 * refuses the file, `OUT_OF_MEMORY`, and `ABORTED`.
 */
export async function loadLlama(path: string, settings: LlamaSettings): Promise<LoadedLlama> {
  const { adapters = [], sequences, contextTokens, signal, onProgress } = settings;
  const { InsufficientMemoryError } = await llamaPackage();
  throwIfAborted(signal);
  const llama = await entered();
  let model: LlamaModel | undefined;
  try {
    throwIfAborted(signal);
    const loaded = await llama.loadModel({ modelPath: path, loadSignal: signal, onLoadProgress: onProgress });
    model = loaded;
    const context = await loaded.createContext({
      sequences,
      contextSize: contextTokens,
      threads: llama.cpuMathCores,
      createSignal: signal,
      ...(adapters.length > 0 && { lora: { adapters: adapters.map((filePath) => ({ filePath })) } }),
    });
    return {
      model: loaded,
      context,
      async close() {
        await loaded.dispose();
        await left();
      },
    };
  } catch (error) {
    await model?.dispose();
    await left();
    throwIfAborted(signal);
    if (error instanceof QuernError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof InsufficientMemoryError) {
      throw new QuernError('OUT_OF_MEMORY', `not enough memory (${message})`, { where: path, cause: error });
    }
    throw new QuernError('CORRUPT_FILE', `llama.cpp cannot load it (${message})`, {
      where: path,
      cause: error,
    });
  }
}

/** node-llama-cpp, loaded when it is first asked for. Throws `MISSING_PACKAGE`. */
export async function llamaPackage(): Promise<typeof import('node-llama-cpp')> {
  try {
    return await import('node-llama-cpp');
  } catch (error) {
    throw new QuernError('MISSING_PACKAGE', 'node-llama-cpp, which runs models here, cannot be loaded', {
      hint: 'Install it: npm install node-llama-cpp',
      cause: error,
    });
  }
}

/** llama.cpp itself, one for all models of this process. */
async function entered(): Promise<Llama> {
  const { getLlama, LlamaLogLevel } = await llamaPackage();
  users++;
  runtime ??= getLlama({
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: LlamaLogLevel.disabled,
    // Contexts ask for the number of cores themselves; its own default is four threads at the least.
    maxThreads: 0,
  });
  try {
    return await runtime;
  } catch (error) {
    runtime = undefined;
    users--;
    throw new QuernError('MISSING_PACKAGE', 'node-llama-cpp has no binary for this machine', {
      hint: 'Use a server instead: openai:MODEL@URL',
      cause: error,
    });
  }
}

async function left(): Promise<void> {
  if (--users > 0) return;
  const last = runtime;
  runtime = undefined;
  await (await last)?.dispose();
}
