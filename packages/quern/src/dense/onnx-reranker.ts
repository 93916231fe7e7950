/** `onnx:HUB_ID_OR_FOLDER`: a cross-encoder in ONNX, which reads query and text together and gives one score. */
import { availableParallelism } from 'node:os';
import { QuernError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../models/checkpoint/json-file.ts';
import { batchLimits } from './batch-limits.ts';
import { readableTokens } from './encoder-settings.ts';
import { onnxFiles, type OnnxFiles } from './onnx-files.ts';
import { OnnxModel } from './onnx-model.ts';
import type { Reranker } from './reranker.ts';
import type { RerankerOptions } from './model-options.ts';
import { checkedScores } from './score-check.ts';
import { tokenBatches } from './token-batches.ts';

/** A cross-encoder in ONNX. */
export class OnnxReranker implements Reranker {
  readonly id: string;
  readonly #model: OnnxModel;
  readonly #where: string;
  readonly #maxTokens: number;
  readonly #isLogit: boolean;

  private constructor(id: string, files: OnnxFiles, maxTokens: number, threads: number) {
    const { folder, subfolder, type: dtype, config } = files;
    this.id = id;
    this.#where = folder;
    this.#maxTokens = maxTokens;
    this.#isLogit = isLogit(config, folder);
    this.#model = new OnnxModel({ folder, subfolder, dtype, task: 'classification', threads });
  }

  /** The reranker of that name, `onnx:` and all. Throws `UNSUPPORTED` where it has not one label. */
  static async open(id: string, options: RerankerOptions): Promise<OnnxReranker> {
    const { threads = availableParallelism(), maxTokens } = options;
    const files = await onnxFiles(id.slice('onnx:'.length), options);
    const labels = labelCount(files.config);
    if (labels !== 1) {
      throw new QuernError('UNSUPPORTED', `has ${labels} labels: a cross-encoder that ranks has one`, {
        where: files.folder,
        hint: 'Is it an embedder? A cross-encoder is e.g. onnx:Xenova/ms-marco-MiniLM-L-6-v2',
      });
    }
    return new OnnxReranker(id, files, await readableTokens(maxTokens, files, options.signal), threads);
  }

  async score(query: string, texts: readonly string[], signal?: AbortSignal): Promise<Float32Array> {
    const scores = new Float32Array(texts.length);
    if (texts.length === 0) return scores;
    const firsts = texts.map(() => query);
    const request = { texts: firsts, seconds: texts, maxTokens: this.#maxTokens };
    const sequences = await this.#model.tokens(request, signal);
    const batches = tokenBatches(
      sequences.map(({ ids }) => ids),
      batchLimits,
    );
    for (const batch of batches) {
      const { vectors, dimensions } = await this.#model.run(
        { sequences: batch.map((i) => sequences[i]) },
        signal,
      );
      if (dimensions !== 1) {
        throw new QuernError('UNSUPPORTED', `gives ${dimensions} scores for one text`, {
          where: this.#where,
        });
      }
      for (const [row, i] of batch.entries()) {
        scores[i] = this.#isLogit ? vectors[row] : 1 / (1 + Math.exp(-vectors[row]));
      }
    }
    return checkedScores(scores, this.#where);
  }

  async close(): Promise<void> {
    await this.#model.close();
  }
}

/** Two where the configuration does not say, as transformers has it. */
function labelCount({ num_labels: count, id2label: labels }: JsonObject): number {
  if (isJsonObject(labels)) return Object.keys(labels).length;
  return typeof count === 'number' ? count : 2;
}

/**
 * Whether the score is the logit itself: where sentence-transformers noted the identity as its activation. Without a note it is
 * the sigmoid, which sentence-transformers takes for one label. Throws `UNSUPPORTED` for another function.
 */
function isLogit(config: JsonObject, where: string): boolean {
  const { sentence_transformers: recent, sbert_ce_default_activation_function: older } = config;
  const named = (isJsonObject(recent) ? recent['activation_fn'] : undefined) ?? older ?? 'Sigmoid';
  const last = String(named).split('.').at(-1)!.slice(0, 40);
  if (last === 'Identity' || last === 'Sigmoid') return last === 'Identity';
  throw new QuernError('UNSUPPORTED', `the activation ${last} is not supported`, {
    where,
    hint: 'Identity and Sigmoid are',
  });
}
