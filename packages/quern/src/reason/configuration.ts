import type { Sampling } from './sampling.ts';

/** What money a model's tokens cost. */
export interface Prices {
  /** Of a million tokens of the prompt. */
  readonly input: number;
  /** Of a million tokens of the reply. */
  readonly output: number;
  /** ISO 4217. Default `USD`. */
  readonly currency?: string;
}

/**
 * How a language model is asked: all of it counts for remote ones, and `concurrency`, `sampling`, `threads` and `adapters`
 * for those here.
 */
export interface ReasonerConfiguration {
  /**
   * The environment variable that holds the key; naming it here also allows to send the key unencrypted. Default
   * `OPENAI_API_KEY`.
   */
  readonly keyVariable?: string;
  /** The most calls at once, of several servers at each. Default 8. */
  readonly concurrency?: number;
  /** The most times that a request is sent again after an error that may pass. Default 4. */
  readonly retries?: number;
  /** How long the server may send nothing, in seconds, at most 300. Default 60. */
  readonly timeout?: number;
  /** How long a call may take over all its retries, in seconds. Default 600. */
  readonly totalTimeout?: number;
  /** Of several servers: how long none of them may answer, in seconds. Default 10, and 300 in `quern reason --batch`. */
  readonly outage?: number;
  readonly prices?: Prices;
  /** What it does not set is the published sampling. */
  readonly sampling?: Partial<Sampling>;
  /** Of a model in this process: the threads that it computes with where there is no GPU. Default: the processor's cores. */
  readonly threads?: number;
  /** Of a model in this process: GGUF files of LoRA adapters that are applied to it. In a file, they count from its folder. */
  readonly adapters?: readonly string[];
}

/** What a configuration file declares. */
export interface Configuration {
  /** By name, e.g. `openai:tongsearch-qr-7b@http://localhost:8000/v1`. */
  readonly reasoners: ReadonlyMap<string, ReasonerConfiguration>;
}

/**
 * The configuration in a YAML or JSON file of at most 1 MiB:
 *
 *     reasoners:
 *       openai:tongsearch-qr-7b@http://localhost:8000/v1:
 *         concurrency: 32
 *         prices: { input: 0.1, output: 0.4 }
 *
 * Throws `BAD_INPUT` at `file:line` for what is not YAML, for a key that is not known and a value that is not of its kind,
 * and `NOT_FOUND` or `IO` where the file cannot be read.
 */
export async function readConfiguration(path: string): Promise<Configuration> {
  // What parses and checks it is loaded only where there is one.
  const { configurationIn } = await import('./configuration-file.ts');
  return configurationIn(path);
}
