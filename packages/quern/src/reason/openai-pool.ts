/**
 * `openai:MODEL@URL,URL…`: one language model behind several servers. Each query goes to the server that has the least to
 * do; where that fails, to another one.
 *
 * The first server names them all: seeds, cache and batches are those of `openai:MODEL@URL` with its URL, whichever server
 * answers. So servers can be added and taken away between two runs of one batch.
 */
import { QuernError } from '../errors.ts';
import { openAiAddresses, serverNames } from '../models/openai/openai-address.ts';
import type { RetryTiming } from '../models/openai/openai-connection.ts';
import { faultOf } from '../models/openai/server-fault.ts';
import { ServerPool, type ServerChange, type ServerStanding } from '../models/openai/server-pool.ts';
import { probe } from '../models/openai/server-probe.ts';
import type { Warnings } from '../warnings.ts';
import type { ReasonerConfiguration } from './configuration.ts';
import { OpenAiReasoner } from './openai.ts';
import { limitsOf, type Limits } from './openai/openai-limits.ts';
import type { ReasonedQuery, Reasoner, ReasonOptions } from './reasoner.ts';
import type { Sampling } from './sampling.ts';

/** What an {@link OpenAiPool} is made from. */
export interface OpenAiPoolOptions extends RetryTiming {
  /** `openai:MODEL@URL,URL…`. */
  readonly name: string;
  /** Counts more than the configurations'; what none sets is the published sampling. */
  readonly sampling?: Partial<Sampling>;
  /** The number that the seeds of all calls are derived from. Default 0. */
  readonly seed?: number;
  /**
   * By {@link name}, what counts for all servers, and by the name of one, `openai:MODEL@URL`, what counts for it alone and more.
   * Sampling and retries are those of all, or else the first one's; a key that is named for one server is sent to no other.
   */
  readonly configurations?: ReadonlyMap<string, ReasonerConfiguration>;
  /** How long no server may answer before the calls that wait end, in milliseconds. The configuration's counts more. Default 10 s. */
  readonly outage?: number;
  readonly warnings?: Warnings;
  /** Told where a server leaves the pool or comes back. */
  readonly onServer?: (change: ServerChange) => void;
  /** Where keys come from. Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * `openai:MODEL@URL,URL…`: several servers of one model as one reasoner.
 *
 * A query goes to the server with the fewest under way for its `concurrency`. A server that cannot be reached, lacks the
 * model or refuses the key leaves the pool at once; one that breaks off, is silent, answers 5xx or what is no reply is asked
 * whether it is well (`/health`, `/v1/models`) and leaves where it is not, or after three faults in a row. It is asked again
 * after pauses that grow from 0.5 s to 60 s, and has to answer one query before it is sent more. One that answers 429 is left
 * alone for as long as it asks.
 *
 * The query that was under way goes to another server, its text from the beginning. It fails where it is itself at fault (a
 * 400, an empty reply), where more than `retries` servers failed that are well otherwise, and where more than `retries` left
 * the pool under it, as it may be what fails them.
 */
export class OpenAiPool implements Reasoner {
  /** The name of the first server, by which all go. */
  readonly id: string;
  /** All places of all servers. */
  readonly parallel: number;
  readonly takesPassages = true;
  readonly #reasoners: readonly OpenAiReasoner[];
  readonly #pool: ServerPool<OpenAiReasoner>;
  readonly #limits: Limits;
  readonly #never = new AbortController().signal;

  private constructor(options: OpenAiPoolOptions) {
    const { name, seed, warnings, env = process.env, sleep, random, onServer, outage } = options;
    // Refuses what is no name of servers, before parts of it are taken for names.
    openAiAddresses(name, env);
    const names = serverNames(name);
    const [first] = names;
    const of = (server: string): ReasonerConfiguration => options.configurations?.get(server) ?? {};
    const shared = of(name);
    const common = { sampling: shared.sampling ?? of(first).sampling, retries: 0 };
    const settings = names.map((server) => ({ ...shared, ...of(server), ...common }));
    this.id = first;
    this.#limits = limitsOf({
      ...of(first),
      ...shared,
      outage: shared.outage ?? of(first).outage ?? (outage === undefined ? undefined : outage / 1000),
    });
    this.#reasoners = names.map((server, i) =>
      OpenAiReasoner.create({
        name: server,
        standsFor: first,
        sampling: options.sampling,
        seed,
        configuration: settings[i],
        warnings,
        env,
      }),
    );
    this.parallel = this.#reasoners.reduce((sum, { parallel }) => sum + parallel, 0);
    const servers = this.#reasoners.map((reasoner) => ({
      name: reasoner.server.where,
      server: reasoner,
      places: reasoner.parallel,
      probe: (signal: AbortSignal) => probe(reasoner.server, signal),
    }));
    this.#pool = new ServerPool(servers, { outage: this.#limits.outage, onChange: onServer, sleep, random });
  }

  /**
   * The reasoner of that name; nothing is sent yet. Throws `USAGE` for a name, a sampling, a limit or a key that cannot be
   * used.
   */
  static create(options: OpenAiPoolOptions): OpenAiPool {
    return new OpenAiPool(options);
  }

  /** How each server stands now. */
  get servers(): readonly ServerStanding[] {
    return this.#pool.standings;
  }

  /**
   * Asks the model at one of the servers, and at another where that fails. Throws `UNAVAILABLE` where none can be asked for as
   * long as an outage may take, or where all refuse; and what {@link OpenAiReasoner.reason} throws for a query that is itself at
   * fault.
   */
  async reason(query: string, options: ReasonOptions = {}): Promise<ReasonedQuery> {
    const whole = this.#reasoned(query, options, false);
    for (;;) {
      const { done, value } = await whole.next();
      if (done) return value;
    }
  }

  /** {@link reason}, its text in pieces as they come. After the first piece nothing is asked elsewhere. */
  stream(query: string, options: ReasonOptions = {}): AsyncGenerator<string, ReasonedQuery, undefined> {
    return this.#reasoned(query, options, true);
  }

  /** Asks all servers whether they are well, and waits until one is. Throws `UNAVAILABLE`. */
  async ready({ signal = this.#never }: Pick<ReasonOptions, 'signal'> = {}): Promise<void> {
    await this.#pool.checkAll(signal);
    (await this.#pool.take(signal)).stopped();
  }

  /** The first server's. */
  cacheKey(query: string, options?: Pick<ReasonOptions, 'sample' | 'passages'>): Promise<string> {
    return this.#reasoners[0].cacheKey(query, options);
  }

  /** Ends calls under way, and those to come, with `ABORTED`. */
  async close(): Promise<void> {
    this.#pool.close();
    await Promise.all(this.#reasoners.map((reasoner) => reasoner.close()));
  }

  async *#reasoned(
    query: string,
    options: ReasonOptions,
    inPieces: boolean,
  ): AsyncGenerator<string, ReasonedQuery, undefined> {
    const started = performance.now();
    const { signal = this.#never } = options;
    const failed = new Set<OpenAiReasoner>();
    let asked = 0;
    let faults = 0;
    let losses = 0;
    for (;;) {
      const place = await this.#pool.take(signal, failed);
      const begun = performance.now();
      const pieces = place.server.stream(query, options);
      let isTold = false;
      let isOver = false;
      try {
        for (;;) {
          const { done, value } = await pieces.next();
          if (done) {
            isOver = true;
            place.answered();
            return { ...value, milliseconds: performance.now() - started };
          }
          if (!inPieces) continue;
          isTold = true;
          yield value;
        }
      } catch (error) {
        const fault = faultOf(error);
        if (!fault) throw error;
        isOver = true;
        if (fault.kind === 'question') {
          place.answered();
          throw error;
        }
        const stays = await place.failed(fault);
        asked += performance.now() - begun;
        if (isTold || asked >= this.#limits.total) throw error;
        if (fault.kind === 'busy') continue;
        failed.add(place.server);
        if (fault.kind !== 'failed') continue;
        if (stays) faults++;
        else losses++;
        const { retries } = this.#limits;
        if (faults > retries || losses > retries) throw this.#givenUp(error as QuernError, faults + losses);
      } finally {
        if (!isOver) {
          place.stopped();
          await pieces.return(undefined as never).catch(() => undefined);
        }
      }
    }
  }

  #givenUp(error: QuernError, times: number): QuernError {
    return new QuernError(error.code, `${error.what}; it failed at ${times} servers`, {
      where: error.where,
      hint: error.hint,
      cause: error,
    });
  }
}
