/** What reasoners whose model runs inside this process have in common, whatever computes it. */
import { defaultCacheFolder } from '../cache-folder.ts';
import { orAborted, QuernError, throwIfAborted } from '../errors.ts';
import { filesState } from '../models/prepared-model.ts';
import { Once } from '../once.ts';
import { stopSignal } from '../stop-signal.ts';
import { chatPrompt, userPrompt } from './prompt.ts';
import type { Enough, ReasonedQuery, ReasonOptions, Reasoner } from './reasoner.ts';
import { checkedSampling, type Sampling } from './sampling.ts';
import { checkSeed, derivedSeed } from './seed.ts';
import type { ModelSettings } from './settings.ts';
import { SharedGeneration } from './shared-generation.ts';

/** A loaded model, ready to be asked. */
export interface LocalEngine {
  /** What a query is asked with; `tokens` is how many its prompt has. */
  prompted(query: string, passages?: readonly string[]): LocalPrompt;
  /** The most tokens that a prompt may have. */
  readonly promptTokens: number;
  close(): Promise<void>;
}

/** A prompt that can be completed. */
export interface LocalPrompt {
  readonly tokens: number;
  /** Throws `ABORTED`, between two tokens, and what computing throws. */
  generate(request: LocalRequest): Promise<LocalGeneration>;
}

/** How a prompt is completed. */
export interface LocalRequest {
  readonly seed: number;
  /** Asked after each piece of text; see {@link Enough}. */
  readonly enough?: Enough;
  readonly onPiece: (piece: string) => void;
  readonly signal: AbortSignal;
}

/** A completion. */
export interface LocalGeneration {
  readonly text: string;
  readonly finish: 'stop' | 'length' | 'early';
  readonly completionTokens: number;
  /** Completion tokens a second, from the first on; undefined where there are fewer than two. */
  readonly tokensPerSecond?: number;
}

/**
 * The longest prompt that the published models were trained with. Where a model has room, it is taken that long.
 */
export const promptTokensWanted = 8000;

/**
 * A model inside this process. It is found and loaded when it is first asked (or by {@link ready}); where that fails, calls fail
 * at once for ten seconds, and then it is tried again.
 */
export abstract class LocalReasoner implements Reasoner {
  readonly id: string;
  readonly parallel: number;
  readonly takesPassages = true;
  /** What follows the kind in its id. */
  protected readonly name: string;
  protected readonly settings: ModelSettings;
  protected readonly sampling: Sampling;
  protected readonly located = new Once(() => this.locate());
  protected readonly hash = new Once(() => this.computeHash());
  protected readonly engine = new Once(() => this.load());
  readonly #closing = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #closed: Promise<void> | undefined;
  /** Of the files, when they were hashed. */
  #state: string | undefined;

  /** Nothing is opened yet. Throws `USAGE` for impossible settings. */
  constructor(kind: string, name: string, settings: ModelSettings) {
    this.id = `${kind}:${name}`;
    this.name = name;
    this.settings = settings;
    this.sampling = checkedSampling(settings.sampling);
    checkSeed(settings.seed);
    this.parallel = checkedParallel(settings.parallel);
  }

  /** What computes it, in an error's words. */
  protected abstract readonly computedBy: string;
  /** Where the model is: found, downloaded, converted. */
  protected abstract locate(): Promise<string>;
  /** What names the model's content. */
  protected abstract computeHash(): Promise<string>;
  protected abstract load(): Promise<LocalEngine>;
  /** What determines a text beside prompt, sampling and seed. */
  protected abstract keyOf(hash: string): readonly unknown[];

  /** Notes the state of files that are about to be hashed. Throws `NOT_FOUND`. */
  protected async noteFiles(files: readonly string[]): Promise<void> {
    this.#state = await filesState(files);
  }

  /** Throws where a file is no longer what was hashed: its texts would be kept under the name of another model. */
  protected async checkUnchanged(files: readonly string[]): Promise<void> {
    if ((await filesState(files)) === this.#state) return;
    for (const each of [this.located, this.hash, this.engine]) each.reset();
    throw new QuernError('BAD_INPUT', 'the file was changed while it was opened', {
      where: files[0],
      hint: 'The next call takes it as it is then',
    });
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
    await (signal ? orAborted(this.engine.get(), signal) : this.engine.get());
  }

  async cacheKey(
    query: string,
    { sample = 0, passages, signal }: Pick<ReasonOptions, 'sample' | 'passages' | 'signal'> = {},
  ): Promise<string> {
    const hash = await (signal ? orAborted(this.hash.get(), signal) : this.hash.get());
    const seed = await this.#seed(query, sample, passages);
    return JSON.stringify([...this.keyOf(hash), chatPrompt(query, passages), this.sampling, seed]);
  }

  /** Ends the calls under way with `ABORTED`, which takes them until the next token, and frees the model. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Aborted when it is closed. */
  protected get closing(): AbortSignal {
    return this.#closing.signal;
  }

  protected get cacheFolder(): string {
    return this.settings.cacheFolder ?? defaultCacheFolder(this.settings.env);
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    const engine = await this.engine.underWay?.catch(() => undefined);
    await Promise.allSettled([...this.#underWay, this.located.underWay, this.hash.underWay]);
    await engine?.close();
  }

  async #reasoned(
    query: string,
    { sample = 0, passages, enough }: ReasonOptions,
    signal: AbortSignal,
    onPiece: (piece: string) => void,
  ): Promise<ReasonedQuery> {
    const started = performance.now();
    const stopping = stopSignal(signal, this.closing);
    try {
      throwIfAborted(stopping.signal);
      const engine = await orAborted(this.engine.get(), stopping.signal);
      const prompt = engine.prompted(query, passages);
      if (prompt.tokens > engine.promptTokens) {
        throw new QuernError(
          'BAD_INPUT',
          `the prompt has ${prompt.tokens} tokens, and ${this.id} takes ${engine.promptTokens}`,
          { hint: 'Ask a shorter question' },
        );
      }
      const seed = await orAborted(this.#seed(query, sample, passages), stopping.signal);
      const { text, ...facts } = await prompt.generate({ seed, enough, onPiece, signal: stopping.signal });
      const milliseconds = performance.now() - started;
      const promptTokens = prompt.tokens;
      return { query, text, reasoner: this.id, ...facts, promptTokens, milliseconds, cached: false, seed };
    } catch (error) {
      // What is closed or broken off fails in the library's own words.
      throwIfAborted(stopping.signal);
      if (error instanceof QuernError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new QuernError('BAD_REPLY', `${this.computedBy} failed (${message})`, {
        where: this.id,
        cause: error,
      });
    } finally {
      stopping.stop();
    }
  }

  async #seed(query: string, sample: number, passages: readonly string[] | undefined): Promise<number> {
    const model = await this.hash.get();
    const prompt = userPrompt(query, passages);
    return derivedSeed({ model, prompt, sample, seed: this.settings.seed ?? 0 });
  }
}

/** How many queries it is asked at once. */
function checkedParallel(parallel = 1): number {
  if (Number.isSafeInteger(parallel) && parallel >= 1 && parallel <= 256) return parallel;
  throw new QuernError('USAGE', `is a whole number from 1 to 256, not ${parallel}`, { where: 'parallel' });
}
