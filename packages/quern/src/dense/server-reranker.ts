/**
 * `rerank:MODEL@BASE_URL`: a model that reranks behind a server's `POST /rerank`, as Jina, Cohere, vLLM and llama-server have it:
 * `{model, query, documents}` is answered with `{results: [{index, relevance_score}]}`.
 */
import { inOrder } from '../in-order.ts';
import { serverAddress, type OpenAiAddress } from '../models/openai/openai-address.ts';
import { OpenAiConnection } from '../models/openai/openai-connection.ts';
import { withheldKey } from '../models/openai/openai-failure.ts';
import { serverKey } from '../models/openai/openai-key.ts';
import { lifetime } from '../models/openai/openai-lifetime.ts';
import type { Reranker } from './reranker.ts';
import type { RerankerOptions } from './model-options.ts';
import { checkedScores } from './score-check.ts';
import { serverLimits } from './server-limits.ts';

/** Texts in one request: more than one usually reranks, fewer than any server refuses. */
const batchTexts = 100;
/** A result, without the text; some servers send that back. */
const mostBytesAResult = 4096;
const mostBytesACharacter = 6;

/** A model that reranks behind a server. */
export class ServerReranker implements Reranker {
  readonly id: string;
  readonly #address: OpenAiAddress;
  readonly #connection: OpenAiConnection;
  readonly #closing = new AbortController();

  /** The reranker of that name; nothing is sent yet. Throws `USAGE` for a name or a key that cannot be used. */
  constructor(id: string, { env = process.env, keyVariable, warnings, retryTiming }: RerankerOptions = {}) {
    const address = serverAddress('rerank', id);
    // A key for another kind of server is not handed on by itself.
    const key = serverKey(address.baseUrl, keyVariable, env, { usual: 'RERANK_API_KEY' });
    if (key.state === 'withheld') warnings?.add(withheldKey(key.variable), address.name);
    this.id = id;
    this.#address = address;
    this.#connection = new OpenAiConnection({
      address,
      key,
      route: '/rerank',
      ...serverLimits,
      ...retryTiming,
    });
  }

  async score(query: string, texts: readonly string[], signal?: AbortSignal): Promise<Float32Array> {
    const scores = new Float32Array(texts.length);
    const starts = Array.from({ length: Math.ceil(texts.length / batchTexts) }, (_, i) => i * batchTexts);
    const stop = new AbortController();
    const stopped = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    try {
      let start = 0;
      for await (const batch of inOrder(starts, serverLimits.concurrency, (from) =>
        this.#scores(query, texts.slice(from, from + batchTexts), stopped),
      )) {
        scores.set(batch, start);
        start += batch.length;
      }
    } finally {
      stop.abort();
    }
    return checkedScores(scores, this.#connection.server.where);
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async #scores(query: string, documents: readonly string[], signal: AbortSignal): Promise<Float32Array> {
    const life = lifetime(signal, this.#closing.signal);
    try {
      life.start(serverLimits.total, this.#connection.server.where);
      const body = { model: this.#address.model, query, documents, top_n: documents.length };
      const characters = documents.reduce((sum, text) => sum + text.length, 0);
      const mostBytes = 1024 * 1024 + documents.length * mostBytesAResult + characters * mostBytesACharacter;
      const reply = await this.#connection.json(
        (client, options) => client.post('/rerank', { body, ...options }),
        life,
        mostBytes,
      );
      return this.#read(reply, documents.length);
    } finally {
      life.end();
    }
  }

  #read(reply: unknown, count: number): Float32Array {
    const results = (reply as { results?: unknown } | null)?.results;
    if (!Array.isArray(results) || results.length !== count) {
      throw this.#connection.unusable(`it holds no list of ${count} results`);
    }
    const scores = new Float32Array(count).fill(NaN);
    for (const result of results as ({ index?: unknown; relevance_score?: unknown } | null)[]) {
      const { index, relevance_score: score } = result ?? {};
      if (typeof index !== 'number' || !Number.isNaN(scores[index])) {
        throw this.#connection.unusable('it numbers its results wrongly');
      }
      if (typeof score !== 'number') throw this.#connection.unusable('a result has no relevance_score');
      scores[index] = score;
    }
    return scores;
  }
}
