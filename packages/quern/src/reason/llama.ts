import type { Token } from 'node-llama-cpp';
import { defaultCacheFolder } from '../cache-folder.ts';
import { QuernError, orAborted, throwIfAborted } from '../errors.ts';
import { loadLlama, type LoadedLlama } from '../models/llama-runtime.ts';
import { modelHash, preparedModel, rememberedModelHash } from '../models/prepared-model.ts';
import { chatTokensOf, type ChatTokens } from './llama/chat-tokens.ts';
import { generated, type Generation } from './llama/llama-generation.ts';
import { LlamaSequences } from './llama/llama-sequences.ts';
import { tryModel } from './llama/model-trial.ts';
import { userPrompt } from './prompt.ts';
import type { ReasonedQuery, ReasonOptions, Reasoner } from './reasoner.ts';
import { checkedSampling, type Sampling } from './sampling.ts';
import { derivedSeed } from './seed.ts';
import { stopSignal } from '../stop-signal.ts';
import type { ModelSettings } from './settings.ts';

/** A loaded model, ready to be asked. */
interface Engine {
  readonly loaded: LoadedLlama;
  readonly chat: ChatTokens;
  readonly sequences: LlamaSequences;
  /** Tokens that a prompt may have. */
  readonly promptTokens: number;
}

/** The longest prompt that the published models were trained with. */
const promptTokensWanted = 8000;

/** Where memory is short, questions of some 1,400 words still fit. */
const leastPromptTokens = 2000;

/**
 * `llama:PATH_OR_HUB_ID`: a model that runs inside this process, by llama.cpp. It is found, downloaded, converted and loaded
 * when it is first asked (or by {@link ready}); where that fails, the next call tries again.
 *
 * The same call yields the same text on the same machine, as long as one query is evaluated at a time: with `parallel` above
 * 1, several are evaluated in one batch, which can change the last bits of a probability, and with them, rarely, a token.
 */
export class LlamaReasoner implements Reasoner {
  readonly id: string;
  readonly parallel: number;
  readonly #name: string;
  readonly #settings: ModelSettings;
  readonly #sampling: Sampling;
  readonly #closing = new AbortController();
  #path: Promise<string> | undefined;
  #hash: Promise<string> | undefined;
  #engine: Promise<Engine> | undefined;

  /** `name` is what follows `llama:`. Nothing is opened yet. Throws `USAGE` for impossible settings. */
  constructor(name: string, settings: ModelSettings = {}) {
    this.id = `llama:${name}`;
    this.#name = name;
    this.#settings = settings;
    this.#sampling = checkedSampling(settings.sampling);
    this.parallel = settings.parallel ?? 1;
  }

  async reason(query: string, options: ReasonOptions = {}): Promise<ReasonedQuery> {
    const pieces = this.stream(query, options);
    let next = await pieces.next();
    while (next.done !== true) next = await pieces.next();
    return next.value;
  }

  async *stream(
    query: string,
    { signal, sample = 0 }: ReasonOptions = {},
  ): AsyncGenerator<string, ReasonedQuery, undefined> {
    const started = performance.now();
    const stopping = stopSignal(signal, this.#closing.signal);
    try {
      const engine = await orAborted(this.#opened(), stopping.signal);
      const prompt = engine.chat.of(query);
      if (prompt.length > engine.promptTokens) {
        throw new QuernError(
          'BAD_INPUT',
          `the prompt has ${prompt.length} tokens, and ${this.id} takes ${engine.promptTokens}`,
          { hint: 'Ask a shorter question' },
        );
      }
      const seed = await orAborted(this.#seed(query, sample), stopping.signal);
      const generation = yield* this.#generated(engine, prompt, seed, stopping.signal);
      const { text, finish, completionTokens, tokensPerSecond } = generation;
      return {
        query,
        text,
        reasoner: this.id,
        finish,
        promptTokens: prompt.length,
        completionTokens,
        tokensPerSecond,
        milliseconds: performance.now() - started,
        cached: false,
        seed,
      };
    } finally {
      stopping.stop();
    }
  }

  async ready({ signal }: Pick<ReasonOptions, 'signal'> = {}): Promise<void> {
    await (signal ? orAborted(this.#opened(), signal) : this.#opened());
  }

  async cacheKey(
    query: string,
    { sample = 0, signal }: Pick<ReasonOptions, 'sample' | 'signal'> = {},
  ): Promise<string> {
    const hash = await (signal ? orAborted(this.#hashed(), signal) : this.#hashed());
    const seed = await this.#seed(query, sample);
    return JSON.stringify(['llama', hash, userPrompt(query), this.#sampling, seed]);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const engine = await this.#engine?.catch(() => undefined);
    await engine?.loaded.close();
  }

  async *#generated(
    { loaded, sequences }: Engine,
    prompt: readonly Token[],
    seed: number,
    signal: AbortSignal,
  ): AsyncGenerator<string, Generation, undefined> {
    const sequence = await sequences.take(signal);
    try {
      return yield* generated({
        model: loaded.model,
        sequence,
        prompt,
        sampling: this.#sampling,
        seed,
        signal,
      });
    } finally {
      sequences.give(sequence);
    }
  }

  async #seed(query: string, sample: number): Promise<number> {
    const model = await this.#hashed();
    return derivedSeed({ model, prompt: userPrompt(query), sample, seed: this.#settings.seed ?? 0 });
  }

  get #cacheFolder(): string {
    return this.#settings.cacheFolder ?? defaultCacheFolder(this.#settings.env);
  }

  /** The model's file: found, downloaded or converted once, and again after a failure. */
  #prepared(): Promise<string> {
    const { env, warnings, onWork } = this.#settings;
    const options = { cacheFolder: this.#cacheFolder, env, warnings, onWork, signal: this.#closing.signal };
    this.#path ??= preparedModel(this.#name, options).catch((error: unknown) => {
      this.#path = undefined;
      throw error;
    });
    return this.#path;
  }

  #hashed(): Promise<string> {
    this.#hash ??= this.#computeHash().catch((error: unknown) => {
      this.#hash = undefined;
      throw error;
    });
    return this.#hash;
  }

  /** What no file was hashed of before has nothing in the cache: so it is loaded first, which finds out sooner what is wrong with it. */
  async #computeHash(): Promise<string> {
    const { adapters = [], onWork } = this.#settings;
    const files = [await this.#prepared(), ...adapters];
    const folder = this.#cacheFolder;
    const known = await rememberedModelHash(files, { folder });
    if (known !== undefined) return known;
    await this.#opened();
    return modelHash(files, { folder, onWork, signal: this.#closing.signal });
  }

  #opened(): Promise<Engine> {
    this.#engine ??= this.#open().catch((error: unknown) => {
      this.#engine = undefined;
      throw error;
    });
    return this.#engine;
  }

  async #open(): Promise<Engine> {
    const signal = this.#closing.signal;
    const path = await this.#prepared();
    throwIfAborted(signal);
    const { maxTokens } = this.#sampling;
    const { adapters = [], threads, onWork } = this.#settings;
    await tryModel([path, ...adapters], { folder: this.#cacheFolder, threads, signal, onWork });
    const work = this.#settings.onWork?.(`loading ${this.#name}`, 100);
    const loaded = await loadLlama(path, {
      adapters: this.#settings.adapters,
      threads: this.#settings.threads,
      sequences: this.parallel,
      contextTokens: promptTokensWanted + maxTokens,
      leastTokens: leastPromptTokens + maxTokens,
      signal,
      onProgress: (share) => work?.update(share * 100),
    }).finally(() => work?.stop());
    try {
      const chat = await chatTokensOf(loaded.model);
      const promptTokens = loaded.context.contextSize - maxTokens;
      if (promptTokens <= chat.prefix.length) {
        throw new QuernError(
          'USAGE',
          `${this.id} holds ${loaded.context.contextSize} tokens, too few for ${maxTokens} new ones`,
        );
      }
      return { loaded, chat, sequences: new LlamaSequences(loaded.context, chat.prefix), promptTokens };
    } catch (error) {
      await loaded.close();
      throw error;
    }
  }
}
