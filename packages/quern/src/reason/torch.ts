import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultCacheFolder } from '../cache-folder.ts';
import { fileError, QuernError, orAborted, throwIfAborted } from '../errors.ts';
import { checkpointFolder } from '../models/checkpoint-folder.ts';
import { Checkpoint } from '../models/checkpoint/checkpoint.ts';
import { contentHash } from '../models/content-hash.ts';
import { Once } from '../once.ts';
import { stopSignal } from '../stop-signal.ts';
import { chatPrompt, userPrompt } from './prompt.ts';
import type { ReasonedQuery, ReasonOptions, Reasoner } from './reasoner.ts';
import { checkedParallel } from './parallel.ts';
import { checkedSampling, type Sampling } from './sampling.ts';
import { checkSeed, derivedSeed } from './seed.ts';
import type { ModelSettings } from './settings.ts';
import { SharedGeneration } from './shared-generation.ts';
import type { TorchEngine } from './torch/torch-engine.ts';

/** To be raised when tokens are drawn otherwise than before: what was kept until then is not what the same call yields now. */
const generationVersion = 1;

/**
 * `torch:FOLDER_OR_HUB_ID`: a checkpoint that runs inside this process on LibTorch, as it is: no conversion. On a GPU where there
 * is one, in bfloat16; on the processor in float32 (`QUERN_DEVICE` chooses). It is found and loaded when it is first asked (or
 * by {@link ready}); where that fails, calls fail at once for ten seconds, and then it is tried again.
 *
 * The same call yields the same text on the same machine as long as one query is asked at a time; with `parallel` above 1,
 * several go through the model together, which can change the last bits of a probability, and with them, rarely, a token. Draws
 * do not depend on what else is asked: each call has its own random stream.
 */
export class TorchReasoner implements Reasoner {
  readonly id: string;
  readonly parallel: number;
  readonly takesPassages = true;
  readonly #name: string;
  readonly #settings: ModelSettings;
  readonly #sampling: Sampling;
  readonly #closing = new AbortController();
  readonly #folder = new Once(() => this.#find());
  readonly #hash = new Once(() => this.#computeHash());
  readonly #engine = new Once(() => this.#open());
  readonly #underWay = new Set<Promise<void>>();
  #closed: Promise<void> | undefined;

  /** `name` is what follows `torch:`. Nothing is opened yet. Throws `USAGE` for impossible settings. */
  constructor(name: string, settings: ModelSettings = {}) {
    this.id = `torch:${name}`;
    this.#name = name;
    this.#settings = settings;
    this.#sampling = checkedSampling(settings.sampling);
    checkSeed(settings.seed);
    this.parallel = checkedParallel(settings.parallel);
    if (settings.adapters && settings.adapters.length > 0) {
      throw new QuernError('USAGE', 'are taken by llama:… alone', {
        where: 'adapters',
        hint: 'Merge them into the checkpoint first, or use it as llama:…',
      });
    }
  }

  async reason(query: string, options: ReasonOptions = {}): Promise<ReasonedQuery> {
    const pieces = this.stream(query, options);
    let next = await pieces.next();
    while (next.done !== true) next = await pieces.next();
    return next.value;
  }

  /** It goes on generating whether or not the pieces are taken, and stops when they are no longer wanted. */
  async *stream(
    query: string,
    options: ReasonOptions = {},
  ): AsyncGenerator<string, ReasonedQuery, undefined> {
    const generation = new SharedGeneration((stop, onPiece) => {
      const call = this.#reasoned(query, options, stop, onPiece);
      const ended = call.then(
        () => void this.#underWay.delete(ended),
        () => void this.#underWay.delete(ended),
      );
      this.#underWay.add(ended);
      return call;
    });
    const { reasoned } = yield* generation.follow(options.signal);
    return reasoned;
  }

  async ready({ signal }: Pick<ReasonOptions, 'signal'> = {}): Promise<void> {
    await (signal ? orAborted(this.#engine.get(), signal) : this.#engine.get());
  }

  async cacheKey(
    query: string,
    { sample = 0, passages, signal }: Pick<ReasonOptions, 'sample' | 'passages' | 'signal'> = {},
  ): Promise<string> {
    const hash = await (signal ? orAborted(this.#hash.get(), signal) : this.#hash.get());
    const seed = await this.#seed(query, sample, passages);
    return JSON.stringify([
      'torch',
      generationVersion,
      hash,
      chatPrompt(query, passages),
      this.#sampling,
      seed,
    ]);
  }

  /** Ends the calls under way with `ABORTED`, which takes them until the next token, and frees the model. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    const engine = await this.#engine.underWay?.catch(() => undefined);
    await Promise.allSettled([...this.#underWay, this.#folder.underWay, this.#hash.underWay]);
    await engine?.close();
  }

  async #reasoned(
    query: string,
    { sample = 0, passages, enough }: ReasonOptions,
    signal: AbortSignal,
    onPiece: (piece: string) => void,
  ): Promise<ReasonedQuery> {
    const started = performance.now();
    const stopping = stopSignal(signal, this.#closing.signal);
    try {
      throwIfAborted(stopping.signal);
      const engine = await orAborted(this.#engine.get(), stopping.signal);
      const prompt = engine.promptOf(query, passages);
      const seed = await orAborted(this.#seed(query, sample, passages), stopping.signal);
      const generation = engine.generate({ prompt, seed, enough, onPiece, signal: stopping.signal });
      const { text, ...facts } = await generation;
      const milliseconds = performance.now() - started;
      const promptTokens = prompt.length;
      return { query, text, reasoner: this.id, ...facts, promptTokens, milliseconds, cached: false, seed };
    } catch (error) {
      throwIfAborted(stopping.signal);
      if (error instanceof QuernError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new QuernError('BAD_REPLY', `LibTorch failed (${message})`, { where: this.id, cause: error });
    } finally {
      stopping.stop();
    }
  }

  async #seed(query: string, sample: number, passages: readonly string[] | undefined): Promise<number> {
    const model = await this.#hash.get();
    return derivedSeed({
      model,
      prompt: userPrompt(query, passages),
      sample,
      seed: this.#settings.seed ?? 0,
    });
  }

  #find(): Promise<string> {
    const { env, warnings, onWork } = this.#settings;
    return checkpointFolder(this.#name, { env, warnings, onWork, signal: this.#closing.signal });
  }

  /** The SHA-256 of each file that decides what it writes, `+` between them. */
  async #computeHash(): Promise<string> {
    const { onWork, env, cacheFolder = defaultCacheFolder(env) } = this.#settings;
    const signal = this.#closing.signal;
    const folder = await this.#folder.get();
    // What is wrong with it is known much sooner than its hash.
    await (await Checkpoint.open(folder, signal)).close();
    const names = await readdir(folder).catch((error: unknown) => {
      throw fileError(error, folder);
    });
    const decisive = names.filter((name) => /\.safetensors$|^(config|tokenizer)\.json$/.test(name)).sort();
    const hashes: string[] = [];
    for (const name of decisive) {
      hashes.push(await contentHash(join(folder, name), { folder: cacheFolder, onWork, signal }));
    }
    return hashes.join('+');
  }

  async #open(): Promise<TorchEngine> {
    const { env, onWork, threads } = this.#settings;
    const folder = await this.#folder.get();
    const { openTorchEngine } = await import('./torch/torch-engine.ts');
    return openTorchEngine(folder, {
      sampling: this.#sampling,
      rows: this.parallel,
      env,
      onWork,
      threads,
      signal: this.#closing.signal,
    });
  }
}
