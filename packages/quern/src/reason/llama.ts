import { defaultCacheFolder } from '../cache-folder.ts';
import { QuernError, orAborted, throwIfAborted } from '../errors.ts';
import {
  checkLoadable,
  llamaRelease,
  loadLlama,
  type LlamaSettings,
  type LoadedLlama,
} from '../models/llama-runtime.ts';
import { filesState, modelHash, preparedModel, rememberedModelHash } from '../models/prepared-model.ts';
import { chatTokensOf, type ChatTokens } from './llama/chat-tokens.ts';
import { generated, type Generation, type GenerationRequest } from './llama/llama-generation.ts';
import { LlamaSequences } from './llama/llama-sequences.ts';
import { tryModel } from './llama/model-trial.ts';
import { checkedParallel } from './parallel.ts';
import { chatPrompt, userPrompt } from './prompt.ts';
import type { ReasonedQuery, ReasonOptions, Reasoner } from './reasoner.ts';
import { checkedSampling, type Sampling } from './sampling.ts';
import { checkSeed, derivedSeed } from './seed.ts';
import { Once } from '../once.ts';
import { stopSignal } from '../stop-signal.ts';
import type { ModelSettings } from './settings.ts';
import { SharedGeneration } from './shared-generation.ts';

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

/** To be raised when tokens are drawn otherwise than before: what was kept until then is not what the same call yields now. */
const generationVersion = 1;

/** Where memory is short, questions of some 1,400 words still fit. */
const leastPromptTokens = 2000;

/**
 * `llama:PATH_OR_HUB_ID`: a model that runs inside this process, by llama.cpp. It is found, downloaded, converted and loaded
 * when it is first asked (or by {@link ready}); where that fails, calls fail at once for ten seconds, and then it is tried
 * again.
 *
 * The same call yields the same text on the same machine, as long as one query is evaluated at a time: with `parallel` above
 * 1, several are evaluated in one batch, which can change the last bits of a probability, and with them, rarely, a token. The
 * cache makes no difference between the two.
 */
export class LlamaReasoner implements Reasoner {
  readonly id: string;
  readonly parallel: number;
  readonly takesPassages = true;
  readonly #name: string;
  readonly #settings: ModelSettings;
  readonly #sampling: Sampling;
  readonly #closing = new AbortController();
  readonly #path = new Once(() => this.#prepare());
  readonly #hash = new Once(() => this.#computeHash());
  /** Of the files, when they were hashed. */
  #state: string | undefined;
  readonly #engine = new Once(() => this.#open());
  readonly #underWay = new Set<Promise<void>>();
  #closed: Promise<void> | undefined;

  /** `name` is what follows `llama:`. Nothing is opened yet. Throws `USAGE` for impossible settings. */
  constructor(name: string, settings: ModelSettings = {}) {
    this.id = `llama:${name}`;
    this.#name = name;
    this.#settings = settings;
    this.#sampling = checkedSampling(settings.sampling);
    checkSeed(settings.seed);
    this.parallel = checkedParallel(settings.parallel);
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
    const made = [generationVersion, llamaRelease(), hash];
    return JSON.stringify(['llama', ...made, chatPrompt(query, passages), this.#sampling, seed]);
  }

  /** Ends the calls under way with `ABORTED`, which takes them until the next token, and frees the model. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    const engine = await this.#engine.underWay?.catch(() => undefined);
    await Promise.allSettled([...this.#underWay, this.#path.underWay, this.#hash.underWay]);
    await engine?.loaded.close();
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
      const prompt = engine.chat.of(query, passages);
      if (prompt.length > engine.promptTokens) {
        throw new QuernError(
          'BAD_INPUT',
          `the prompt has ${prompt.length} tokens, and ${this.id} takes ${engine.promptTokens}`,
          { hint: 'Ask a shorter question' },
        );
      }
      const seed = await orAborted(this.#seed(query, sample, passages), stopping.signal);
      const { text, ...facts } = await this.#generation(
        engine,
        { prompt, seed, enough, signal: stopping.signal },
        onPiece,
      );
      const milliseconds = performance.now() - started;
      const promptTokens = prompt.length;
      return { query, text, reasoner: this.id, ...facts, promptTokens, milliseconds, cached: false, seed };
    } catch (error) {
      // What is closed or broken off fails in llama.cpp's own words.
      throwIfAborted(stopping.signal);
      if (error instanceof QuernError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new QuernError('BAD_REPLY', `llama.cpp failed (${message})`, { where: this.id, cause: error });
    } finally {
      stopping.stop();
    }
  }

  async #generation(
    { loaded, sequences }: Engine,
    request: Pick<GenerationRequest, 'prompt' | 'seed' | 'enough' | 'signal'>,
    onPiece: (piece: string) => void,
  ): Promise<Generation> {
    const { sequence, give } = await sequences.take(request.signal!);
    try {
      const sampling = this.#sampling;
      const pieces = generated({ model: loaded.model, sequence, sampling, ...request });
      let next = await pieces.next();
      for (; next.done !== true; next = await pieces.next()) onPiece(next.value);
      return next.value;
    } finally {
      give();
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

  get #cacheFolder(): string {
    return this.#settings.cacheFolder ?? defaultCacheFolder(this.#settings.env);
  }

  /** The model's file: found, downloaded or converted. */
  #prepare(): Promise<string> {
    const { env, warnings, onWork } = this.#settings;
    const signal = this.#closing.signal;
    return preparedModel(this.#name, { cacheFolder: this.#cacheFolder, env, warnings, onWork, signal });
  }

  /**
   * A file that was never hashed is looked into first: a large one takes a while to read, and what is wrong with it, or that
   * the memory is too small for it, is known much sooner.
   */
  async #computeHash(): Promise<string> {
    const { onWork } = this.#settings;
    const signal = this.#closing.signal;
    const files = await this.#files();
    const folder = this.#cacheFolder;
    this.#state = await filesState(files);
    const known = await rememberedModelHash(files, { folder });
    if (known !== undefined) return known;
    await checkLoadable(files[0], this.#llamaSettings());
    return modelHash(files, { folder, onWork, signal });
  }

  async #files(): Promise<[string, ...string[]]> {
    return [await this.#path.get(), ...(this.#settings.adapters ?? [])];
  }

  #llamaSettings(): LlamaSettings {
    const { adapters, threads } = this.#settings;
    const { maxTokens } = this.#sampling;
    return {
      adapters,
      threads,
      sequences: this.parallel,
      contextTokens: promptTokensWanted + maxTokens,
      leastTokens: leastPromptTokens + maxTokens,
      signal: this.#closing.signal,
    };
  }

  /** Throws where a file is no longer what was hashed: its texts would be kept under the name of another model. */
  async #checkUnchanged(files: readonly string[]): Promise<void> {
    if ((await filesState(files)) === this.#state) return;
    for (const each of [this.#path, this.#hash, this.#engine]) each.reset();
    throw new QuernError('BAD_INPUT', 'the file was changed while it was opened', {
      where: files[0],
      hint: 'The next call takes it as it is then',
    });
  }

  async #open(): Promise<Engine> {
    await this.#hash.get();
    const files = await this.#files();
    throwIfAborted(this.#closing.signal);
    const { maxTokens } = this.#sampling;
    const { threads, onWork } = this.#settings;
    const signal = this.#closing.signal;
    await tryModel(files, { folder: this.#cacheFolder, threads, signal, onWork });
    const work = onWork?.(`loading ${this.#name}`, 100);
    const loaded = await loadLlama(files[0], {
      ...this.#llamaSettings(),
      onProgress: (share) => work?.update(share * 100),
    }).finally(() => work?.stop());
    try {
      await this.#checkUnchanged(files);
      const chat = await chatTokensOf(loaded.model);
      const promptTokens = loaded.context.contextSize - maxTokens;
      if (promptTokens <= chat.prefix.length) {
        throw new QuernError(
          'UNSUPPORTED',
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
