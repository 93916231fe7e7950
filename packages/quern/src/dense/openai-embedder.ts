/** `openai:MODEL@BASE_URL`: an embedding model behind any server that speaks OpenAI's embeddings. */
import { createHash } from 'node:crypto';
import { QuernError } from '../errors.ts';
import { inOrder } from '../in-order.ts';
import { openAiAddress } from '../models/openai/openai-address.ts';
import { OpenAiConnection } from '../models/openai/openai-connection.ts';
import { withheldKey } from '../models/openai/openai-failure.ts';
import { serverKey } from '../models/openai/openai-key.ts';
import { lifetime } from '../models/openai/openai-lifetime.ts';
import { distinctTexts } from './distinct-texts.ts';
import type { Embedder, TextKind } from './embedder.ts';
import { documentSettings, instructedText, settledSettings } from './embedding-settings.ts';
import type { CheckedOptions } from './model-options.ts';
import { knownModel } from './known-models.ts';
import { serverLimits } from './server-limits.ts';
import { checkedVector } from './vector-check.ts';

/** Some servers take no more texts in one request. */
const batchTexts = 32;
/** What a request may come to; a text that is longer is alone. */
const batchCharacters = 200_000;
/** A generous bound on what a number is written in, and on how many a vector has. */
const mostBytesAVector = 32 * 16_384;

type Settings = Pick<
  ReturnType<typeof settledSettings>,
  'isNormalized' | 'queryInstruction' | 'documentInstruction' | 'isLowercased'
>;

/** An embedding model behind a server. */
export class OpenAiEmbedder implements Embedder {
  readonly id: string;
  readonly contentHash: string;
  readonly isNormalized: boolean;
  readonly #model: string;
  readonly #connection: OpenAiConnection;
  readonly #settings: Settings;
  readonly #closing = new AbortController();
  #dimensions: number | undefined;

  private constructor(id: string, options: CheckedOptions) {
    const { settings: given, env = process.env, warnings, keyVariable, retryTiming } = options;
    const address = openAiAddress(id, env);
    const key = serverKey(address.baseUrl, keyVariable, env);
    if (key.state === 'withheld') warnings?.add(withheldKey(key.variable), address.name);
    const known = knownModel([address.model])?.settings ?? {};
    const { isNormalized, queryInstruction, documentInstruction, isLowercased } = settledSettings([
      given,
      known,
    ]);
    this.#settings = { isNormalized, queryInstruction, documentInstruction, isLowercased };
    this.id = id;
    this.isNormalized = isNormalized;
    this.#model = address.model;
    this.contentHash = createHash('sha256')
      .update(JSON.stringify({ server: address.name, settings: documentSettings(this.#settings) }))
      .digest('hex');
    this.#connection = new OpenAiConnection({
      address,
      key,
      route: '/embeddings',
      ...serverLimits,
      ...retryTiming,
    });
  }

  /** The embedder of that name; the server is asked for one vector, to know how long its vectors are. */
  static async open(id: string, options: CheckedOptions): Promise<OpenAiEmbedder> {
    const { pooling, maxTokens, poolsInstruction } = options.settings;
    if (pooling !== undefined || maxTokens !== undefined || poolsInstruction !== undefined) {
      throw new QuernError('USAGE', 'pooling and maximum length are up to the server', { where: id });
    }
    const embedder = new OpenAiEmbedder(id, options);
    const [vector] = await embedder.#vectors(['dimensions'], options.signal);
    embedder.#dimensions = vector.length;
    return embedder;
  }

  get dimensions(): number {
    return this.#dimensions!;
  }

  async embed(
    texts: readonly string[],
    as: TextKind,
    signal?: AbortSignal,
    onEmbedded?: (done: number) => void,
  ): Promise<Float32Array[]> {
    const distinct = distinctTexts(texts);
    const stop = new AbortController();
    const stopped = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    const vectors: Float32Array[] = Array.from({ length: texts.length });
    let done = 0;
    try {
      const batches = batchesOf(distinct.texts.map((text) => instructedText(text, as, this.#settings)));
      let next = 0;
      for await (const batch of inOrder(batches, serverLimits.concurrency, (sent) =>
        this.#vectors(sent, stopped),
      )) {
        for (const vector of batch) {
          for (const [copy, position] of distinct.positions[next].entries()) {
            checkedVector(vector, this.dimensions, { where: this.#connection.server.where, position });
            vectors[position] = copy === 0 ? vector : vector.slice();
            done++;
          }
          next++;
        }
        onEmbedded?.(done);
      }
    } finally {
      stop.abort();
    }
    return vectors;
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  /** The vectors of one request's texts. */
  async #vectors(texts: readonly string[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    const life = lifetime(signal, this.#closing.signal);
    try {
      life.start(serverLimits.total, this.#connection.server.where);
      // No server embeds nothing at all; a blank is the nearest to it.
      const input = texts.map((text) => (text === '' ? ' ' : text));
      const body = { model: this.#model, input, encoding_format: 'float' as const };
      const mostBytes = 1024 * 1024 + texts.length * mostBytesAVector;
      const reply = await this.#connection.json(
        (client, options) => client.embeddings.create(body, options),
        life,
        mostBytes,
      );
      return this.#read(reply, texts.length);
    } finally {
      life.end();
    }
  }

  #read(reply: unknown, count: number): Float32Array[] {
    const data = (reply as { data?: unknown } | null)?.data;
    if (!Array.isArray(data) || data.length !== count) {
      throw this.#connection.unusable(`it holds no list of ${count} vectors`);
    }
    const vectors: Float32Array[] = Array.from({ length: count });
    for (const [i, entry] of (data as ({ index?: unknown; embedding?: unknown } | null)[]).entries()) {
      const at = entry?.index ?? i;
      if (typeof at !== 'number' || !(at in vectors) || vectors[at] !== undefined) {
        throw this.#connection.unusable('it numbers its vectors wrongly');
      }
      vectors[at] = this.#vector(entry?.embedding);
    }
    return vectors;
  }

  #vector(numbers: unknown): Float32Array {
    const isVector =
      Array.isArray(numbers) && numbers.length > 0 && numbers.every((n) => typeof n === 'number');
    if (!isVector) throw this.#connection.unusable('a vector is no list of numbers');
    const vector = numbers as number[];
    const length = this.isNormalized ? Math.sqrt(vector.reduce((sum, n) => sum + n * n, 0)) : 1;
    return Float32Array.from(vector, (n) => n / (length || 1));
  }
}

function batchesOf(texts: readonly string[]): string[][] {
  const batches: string[][] = [];
  let characters = Infinity;
  for (const text of texts) {
    const batch = batches.at(-1);
    if (batch && batch.length < batchTexts && characters + text.length <= batchCharacters) {
      batch.push(text);
      characters += text.length;
    } else {
      batches.push([text]);
      characters = text.length;
    }
  }
  return batches;
}
