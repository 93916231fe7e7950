/**
 * `openai:MODEL@BASE_URL`: a language model behind any server that speaks OpenAI's chat completions: vLLM, Ollama,
 * llama-server, or a hosted one.
 *
 * A call is a loop of attempts. An attempt ends whole, or in an error that the server tells or the connection makes; as
 * long as no text has been handed on, it is sent again without the fields that the server refuses, or after a wait where
 * the error may pass.
 */
import { QuernError } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import type { ReasonerConfiguration } from './configuration.ts';
import { openAiAddress, type OpenAiAddress } from '../models/openai/openai-address.ts';
import { OpenAiConnection, type RetryTiming } from '../models/openai/openai-connection.ts';
import { exchange, type Server } from '../models/openai/openai-exchange.ts';
import { keyElsewhere, RefusedRequest, withheldKey } from '../models/openai/openai-failure.ts';
import { serverKey } from '../models/openai/openai-key.ts';
import { limitsOf, type Limits } from './openai/openai-limits.ts';
import { lifetime, type Lifetime } from '../models/openai/openai-lifetime.ts';
import { Reply } from './openai/openai-reply.ts';
import { chatRequest, refusedFields, type OptionalField } from './openai/openai-request.ts';
import { Slots } from '../slots.ts';
import { RunningTotals, type OpenAiTotals } from './openai/openai-totals.ts';
import { chatPrompt, userPrompt, type ChatTurn } from './prompt.ts';
import type { Enough, ReasonedQuery, Reasoner, ReasonOptions } from './reasoner.ts';
import { checkedSampling, type Sampling } from './sampling.ts';
import { checkSeed, derivedSeed } from './seed.ts';

/** What an {@link OpenAiReasoner} is made from. */
export interface OpenAiReasonerOptions extends RetryTiming {
  /** `openai:MODEL@BASE_URL`, or `openai:MODEL` for the server in `OPENAI_BASE_URL`, else OpenAI's. */
  readonly name: string;
  /**
   * The name of the server in whose place it is asked, as one of several that have the same model: what it writes goes by that
   * name, and has its seeds and its place in the cache. Default: its own.
   */
  readonly standsFor?: string;
  /** Counts more than the configuration's; what neither sets is the published sampling. */
  readonly sampling?: Partial<Sampling>;
  /** The number that the seeds of all calls are derived from. Default 0. */
  readonly seed?: number;
  readonly configuration?: ReasonerConfiguration;
  /** Told once of each field that the server refuses, and of a key that is withheld. */
  readonly warnings?: Warnings;
  /** Where keys and `OPENAI_BASE_URL` come from. Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
}

/** A generous bound on what a token comes to, so that a server that never stops is stopped. */
const MOST_CHARACTERS_A_TOKEN = 64;
const MOST_BYTES_A_TOKEN = 4096;
const MOST_BYTES_BESIDES = 1024 * 1024;

/** `openai:MODEL@BASE_URL`. The package `openai` is loaded by the first call. */
export class OpenAiReasoner implements Reasoner {
  /** The name as it was given, or that of the server it stands for. */
  readonly id: string;
  readonly parallel: number;
  readonly takesPassages = true;
  readonly #address: OpenAiAddress;
  /** The name in full by which it is known. */
  readonly #known: string;
  readonly #connection: OpenAiConnection;
  readonly #server: Server;
  readonly #sampling: Sampling;
  readonly #seed: number;
  readonly #limits: Limits;
  readonly #warnings?: Warnings;
  readonly #slots: Slots;
  readonly #closing = new AbortController();
  readonly #totals: RunningTotals;
  #refused: ReadonlySet<OptionalField> = new Set();

  private constructor(options: OpenAiReasonerOptions) {
    const { name, seed = 0, configuration = {}, warnings, env = process.env } = options;
    this.id = options.standsFor ?? name;
    this.#address = openAiAddress(name, env);
    const known = openAiAddress(this.id, env);
    this.#known = known.name;
    this.#sampling = checkedSampling(options.sampling, configuration.sampling);
    checkSeed(seed);
    this.#seed = seed;
    this.#limits = limitsOf(configuration);
    this.#warnings = warnings;
    const key = serverKey(this.#address.baseUrl, configuration.keyVariable, env, { first: known.baseUrl });
    this.#connection = new OpenAiConnection({
      address: this.#address,
      key,
      route: '/chat/completions',
      idle: this.#limits.idle,
      retries: this.#limits.retries,
      sleep: options.sleep,
      random: options.random,
    });
    this.#server = this.#connection.server;
    this.parallel = this.#limits.concurrency;
    this.#slots = new Slots(this.parallel);
    this.#totals = new RunningTotals(configuration.prices);
    if (key.state === 'withheld') warnings?.add(withheldKey(key.variable), this.#address.name);
    if (key.state === 'elsewhere') warnings?.add(keyElsewhere(key.variable), this.#address.name);
  }

  /**
   * The reasoner of that name; nothing is sent yet. Throws `USAGE` for a name, a sampling or a key that cannot be used.
   */
  static create(options: OpenAiReasonerOptions): OpenAiReasoner {
    return new OpenAiReasoner(options);
  }

  /** The server as it is asked. */
  get server(): Server {
    return this.#server;
  }

  /** What all calls came to so far. */
  get totals(): OpenAiTotals {
    return this.#totals.snapshot();
  }

  /**
   * Asks the model. Tokens are the server's count; where it sends none, `promptTokens` is 0 and `completionTokens` the
   * number of pieces that the text came in (most servers send a token a piece), and the cost is unknown.
   *
   * Throws `DENIED` where the key is missing or wrong, `NOT_FOUND` where the server has no such model or URL, `NETWORK`,
   * `TIMEOUT`, `BAD_REPLY` for everything else that the server answers, `ABORTED`, and `MISSING_PACKAGE`.
   */
  async reason(query: string, options: ReasonOptions = {}): Promise<ReasonedQuery> {
    const stream = this.stream(query, options);
    for (;;) {
      const { done, value } = await stream.next();
      if (done) return value;
    }
  }

  /** {@link reason}, its text in pieces as they come. After the first piece nothing is tried again. */
  async *stream(
    query: string,
    { sample = 0, passages, enough, signal }: ReasonOptions = {},
  ): AsyncGenerator<string, ReasonedQuery, undefined> {
    const started = performance.now();
    const life = lifetime(signal, this.#closing.signal);
    const seed = this.#seedOf(query, sample, passages);
    this.#totals.calls++;
    let giveBack: (() => void) | undefined;
    try {
      giveBack = await this.#slots.take(life.signal);
      life.start(this.#limits.total, this.#server.where);
      const reply = yield* this.#reply({ messages: chatPrompt(query, passages), seed, enough }, life);
      return {
        query,
        text: reply.text,
        reasoner: this.id,
        finish: reply.finish!,
        milliseconds: performance.now() - started,
        cached: false,
        ...(this.#refused.has('seed') ? {} : { seed }),
        ...this.#totals.add(reply),
      };
    } catch (error) {
      if (!(error instanceof QuernError && error.code === 'ABORTED')) this.#totals.failures++;
      throw error;
    } finally {
      giveBack?.();
      life.end();
    }
  }

  /**
   * Loads the client and asks the server for its models. Throws what that shows to be wrong: `MISSING_PACKAGE`, `NETWORK`,
   * `TIMEOUT`, `DENIED`. That the server lists no models is fine; which it lists is not looked at, as servers answer to
   * other names than those.
   */
  async ready({ signal }: Pick<ReasonOptions, 'signal'> = {}): Promise<void> {
    const life = lifetime(signal, this.#closing.signal);
    try {
      life.start(this.#limits.total, this.#server.where);
      for (let retries = 0; ; retries++) {
        try {
          const reply = exchange(this.#server, (client, options) => client.models.list(options), {
            signal: life.signal,
            mostBytes: 16 * MOST_BYTES_BESIDES,
          });
          for await (const _ of reply);
          return;
        } catch (error) {
          const status = error instanceof RefusedRequest ? error.error.status : undefined;
          if (status === 404 || status === 405 || status === 501) return;
          await this.#connection.waitToRetry(error, retries, life);
        }
      }
    } finally {
      life.end();
    }
  }

  /**
   * The request that a call starts with, and the server. What the server refuses of it does not count: which fields it takes
   * is its own affair, as its weights are, so that the key is the same before and after that is known, and in every
   * process.
   */
  async cacheKey(
    query: string,
    { sample = 0, passages }: Pick<ReasonOptions, 'sample' | 'passages'> = {},
  ): Promise<string> {
    const { model } = this.#address;
    const seed = this.#seedOf(query, sample, passages);
    const request = chatRequest(model, chatPrompt(query, passages), this.#sampling, seed, new Set());
    return JSON.stringify({ server: this.#known, request, sample, seed: this.#seed });
  }

  /** Ends calls under way, and those to come, with `ABORTED`. */
  async close(): Promise<void> {
    this.#closing.abort();
  }

  #seedOf(query: string, sample: number, passages: readonly string[] | undefined): number {
    return derivedSeed({
      model: this.#known,
      prompt: userPrompt(query, passages),
      sample,
      seed: this.#seed,
    });
  }

  async *#reply(
    { messages, seed, enough }: { messages: ChatTurn[]; seed: number; enough?: Enough },
    life: Lifetime,
  ): AsyncGenerator<string, Reply, undefined> {
    const { maxTokens } = this.#sampling;
    let refused = this.#refused;
    for (let retries = 0; ;) {
      const reply = new Reply(1024 + MOST_CHARACTERS_A_TOKEN * maxTokens, this.#server);
      const request = chatRequest(this.#address.model, messages, this.#sampling, seed, refused);
      try {
        for await (const chunk of exchange(
          this.#server,
          (client, options) => client.chat.completions.create(request, options),
          {
            signal: life.signal,
            mostBytes: MOST_BYTES_BESIDES + MOST_BYTES_A_TOKEN * maxTokens,
            isWhole: () => reply.finish !== undefined,
          },
        )) {
          this.#remember(refused);
          const piece = reply.add(chunk);
          if (piece === '') continue;
          yield piece;
          const end = await enough?.(reply.text);
          if (!end) continue;
          reply.endEarly(end.length);
          break;
        }
        reply.check();
        return reply;
      } catch (error) {
        const isWhole = reply.finish !== undefined && !life.signal.aborted;
        // What breaks after the last piece of text takes nothing from it but the count of its tokens.
        if (isWhole && error instanceof QuernError && ['NETWORK', 'TIMEOUT'].includes(error.code)) {
          reply.check();
          return reply;
        }
        if (reply.pieces > 0) throw this.#connection.shown(error);
        const fields = error instanceof RefusedRequest ? refusedFields(error.error, refused) : [];
        if (fields.length > 0) refused = new Set([...refused, ...fields]);
        else await this.#connection.waitToRetry(error, retries++, life);
        this.#totals.retries++;
      }
    }
  }

  /** Keeps what the server was seen to do without, and warns of what is new. */
  #remember(refused: ReadonlySet<OptionalField>): void {
    const fresh = [...refused].filter((field) => !this.#refused.has(field));
    if (fresh.length === 0) return;
    this.#refused = new Set([...this.#refused, ...fresh]);
    const dropped = fresh.filter((field) => field !== 'max_tokens' && field !== 'stream_options');
    if (dropped.length === 0) return;
    this.#warnings?.add(`the server refuses ${dropped.join(', ')}: it is asked without`, this.#server.where);
  }
}
