import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Llama, LlamaContext, LlamaEmbeddingContext, LlamaModel } from 'node-llama-cpp';
import { QuernError, throwIfAborted } from '../errors.ts';
import { firstError } from './llama-log.ts';
import { oneLine } from '../one-line.ts';
import { freeMemory } from './free-memory.ts';
import { metadataNumber, metadataText, readGguf, type GgufInfo } from './gguf/gguf-reader.ts';
import { checkMemory, memoryNeeded } from './memory.ts';

/** What a model is opened with. */
export interface LlamaSettings {
  /** Paths of GGUF files of LoRA adapters, all applied at full strength. */
  readonly adapters?: readonly string[];
  /** How many sequences are evaluated at once. */
  readonly sequences: number;
  /**
   * Tokens that one sequence is to hold, prompt and completion: fewer, where the model was trained with fewer, or memory is
   * short.
   */
  readonly contextTokens: number;
  /** The fewest tokens that will do. Default: `contextTokens`. */
  readonly leastTokens?: number;
  /** Default: the processor's cores. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Told the share that is loaded, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

/** A model that llama.cpp has loaded, with a context to evaluate it in. */
export interface LoadedLlama<Context = LlamaContext> {
  readonly model: LlamaModel;
  readonly context: Context;
  close(): Promise<void>;
}

let runtime: Promise<Llama> | undefined;
let users = 0;

/** The errors that llama.cpp reports, one list for each load that is under way. */
const logs = new Set<string[]>();

/**
 * Loads a GGUF file with llama.cpp (node-llama-cpp's prebuilt binary; nothing is downloaded or compiled), on a GPU if it
 * finds one, else on as many threads as the processor has cores; the memory is checked first. Throws what
 * {@link readGguf} throws, `MISSING_PACKAGE`, `UNSUPPORTED` where llama.cpp cannot load it, `OUT_OF_MEMORY`, and `ABORTED`.
 */
export async function loadLlama(path: string, settings: LlamaSettings): Promise<LoadedLlama> {
  const { adapters = [], sequences, threads, signal } = settings;
  return loaded(path, settings, (model, llama, contextSize) =>
    model.createContext({
      sequences,
      contextSize,
      threads: threads ?? llama.cpuMathCores,
      createSignal: signal,
      ...(adapters.length > 0 && { lora: { adapters: adapters.map((filePath) => ({ filePath })) } }),
    }),
  );
}

/** How a model that embeds is opened. */
export interface LlamaEmbeddingSettings extends Omit<
  LlamaSettings,
  'adapters' | 'sequences' | 'leastTokens'
> {
  /** Whether all tokens of a text are computed at once, as a pooling needs that looks at more than the last. */
  readonly isOneBatch: boolean;
}

/** {@link loadLlama} for a model that embeds texts, of up to `contextTokens`, one at a time. */
export async function loadLlamaEmbedding(
  path: string,
  settings: LlamaEmbeddingSettings,
): Promise<LoadedLlama<LlamaEmbeddingContext>> {
  const { threads, signal, isOneBatch } = settings;
  return loaded(path, { ...settings, sequences: 1 }, (model, llama, size) =>
    model.createEmbeddingContext({
      // It takes texts that are shorter than its context only.
      contextSize: size + 1,
      ...(isOneBatch && { batchSize: size + 1 }),
      threads: threads ?? llama.cpuMathCores,
      createSignal: signal,
    }),
  );
}

/** A model with the largest context that `create` can make of it. */
async function loaded<Context>(
  path: string,
  settings: LlamaSettings,
  create: (model: LlamaModel, llama: Llama, contextSize: number) => Promise<Context>,
): Promise<LoadedLlama<Context>> {
  const { adapters = [], signal, onProgress } = settings;
  const gguf = await readModel(path, settings);
  const { InsufficientMemoryError } = await llamaPackage();
  throwIfAborted(signal);
  const llama = await entered();
  let model: LlamaModel | undefined;
  const log: string[] = [];
  logs.add(log);
  try {
    throwIfAborted(signal);
    const sizes = fittingContexts(gguf, path, settings, await availableMemory(llama, adapters));
    const opened = await llama.loadModel({ modelPath: path, loadSignal: signal, onLoadProgress: onProgress });
    model = opened;
    const context = await largestContext(sizes, (contextSize) => create(opened, llama, contextSize));
    let closed: Promise<void> | undefined;
    return {
      model: opened,
      context,
      close: () => (closed ??= opened.dispose().then(left)),
    };
  } catch (error) {
    await model?.dispose();
    await left();
    throwIfAborted(signal);
    if (error instanceof QuernError) throw error;
    const message = firstError(log) ?? oneLine(error instanceof Error ? error.message : String(error));
    if (error instanceof InsufficientMemoryError) {
      throw new QuernError('OUT_OF_MEMORY', `not enough memory (${message})`, { where: path, cause: error });
    }
    throw new QuernError('UNSUPPORTED', `llama.cpp cannot load it (${message})`, {
      where: path,
      cause: error,
    });
  } finally {
    logs.delete(log);
  }
}

/**
 * Throws what {@link loadLlama} would throw of a file that is damaged or needs more memory than is free, without loading it.
 */
export async function checkLoadable(path: string, settings: LlamaSettings): Promise<void> {
  const gguf = await readModel(path, settings);
  const llama = await entered();
  try {
    fittingContexts(gguf, path, settings, await availableMemory(llama, settings.adapters ?? []));
  } finally {
    await left();
  }
}

/** What the heads of a model's files say, its adapters' checked too. */
async function readModel(path: string, { adapters = [], signal }: LlamaSettings): Promise<GgufInfo> {
  const gguf = await readGguf(path, { signal });
  for (const adapter of adapters) await readGguf(adapter, { signal });
  if (metadataText(gguf.metadata, 'general.architecture') !== undefined) return gguf;
  throw new QuernError('CORRUPT_FILE', 'does not say of what architecture it is', {
    where: path,
    hint: 'Fetch or export it again',
  });
}

/** The bytes that a model can take: of the processor's memory, and of a GPU's where there is one, less what adapters take. */
async function availableMemory(llama: Llama, adapters: readonly string[]): Promise<number> {
  let taken = 0;
  for (const adapter of adapters) taken += (await stat(adapter)).size;
  if (llama.gpu === false) return freeMemory() - taken;
  const { free, unifiedSize } = await llama.getVramState();
  // What does not fit on the GPU stays in the processor's memory, unless both are the same.
  return free + (unifiedSize > 0 ? 0 : freeMemory()) - taken;
}

/** The contexts that fit into `free` bytes, the largest first, up to the one that is wanted. Throws `OUT_OF_MEMORY`. */
function fittingContexts(
  gguf: GgufInfo,
  path: string,
  { contextTokens, leastTokens = contextTokens, sequences }: LlamaSettings,
  free: number,
): number[] {
  const most = Math.min(contextTokens, trainedContext(gguf));
  const sizes = [most, most / 2, most / 4].map(Math.ceil).filter((size) => size >= leastTokens);
  const fitting = sizes.filter(
    (size) => memoryNeeded({ gguf, contextTokens: size, sequences }).total <= free,
  );
  if (fitting.length > 0) return fitting;
  const least = Math.min(most, leastTokens);
  checkMemory({ gguf, path, contextTokens: least, sequences, free });
  return [least];
}

/** The largest of these contexts that can be had: of a GPU's memory nobody knows beforehand what is in one piece. */
async function largestContext<Context>(
  sizes: readonly number[],
  create: (contextSize: number) => Promise<Context>,
): Promise<Context> {
  const { InsufficientMemoryError } = await llamaPackage();
  const [size, ...smaller] = sizes;
  try {
    return await create(size);
  } catch (error) {
    if (smaller.length === 0 || !(error instanceof InsufficientMemoryError)) throw error;
    return largestContext(smaller, create);
  }
}

/** The tokens that a model was trained to see; without end where its file does not say. */
function trainedContext({ metadata }: GgufInfo): number {
  const architecture = metadataText(metadata, 'general.architecture') ?? '';
  return metadataNumber(metadata, `${architecture}.context_length`) || Infinity;
}

/** The version of node-llama-cpp, and with it of llama.cpp; `none` where it is not installed. Nothing is loaded. */
export function llamaRelease(): string {
  try {
    const main = createRequire(import.meta.url).resolve('node-llama-cpp');
    const folder = main.slice(0, main.lastIndexOf('node-llama-cpp') + 'node-llama-cpp'.length);
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
  } catch {
    return 'none';
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
    logLevel: LlamaLogLevel.error,
    logger: (_, message) => logged(message),
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

function logged(message: string): void {
  // It does not say which model it is about.
  if (logs.size === 1) for (const log of logs) log.push(...message.split('\n'));
}

async function left(): Promise<void> {
  if (--users > 0) return;
  const last = runtime;
  runtime = undefined;
  await (await last)?.dispose();
}
