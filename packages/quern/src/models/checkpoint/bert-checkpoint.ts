import { join } from 'node:path';
import { QuernError } from '../../errors.ts';
import { parseBertConfig, type BertConfig } from './bert-config.ts';
import { CheckpointWeights, type Weight } from './checkpoint-weights.ts';
import { checkFolder } from './checkpoint.ts';
import { checkpointAdvice, readCheckpointJson } from './json-file.ts';

/** A tensor of a BERT encoder: its name without a prefix, and its shape. */
export interface BertTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The tensors of an encoder of `config`, without heads for other tasks. `hasPooler`: and those of its pooler. */
export function bertTensors(config: BertConfig, hasPooler = false): BertTensor[] {
  const { hiddenSize, intermediateSize, layers } = config;
  const tensors: BertTensor[] = [
    { name: 'embeddings.word_embeddings.weight', shape: [config.vocabularySize, hiddenSize] },
    { name: 'embeddings.position_embeddings.weight', shape: [config.positions, hiddenSize] },
    { name: 'embeddings.token_type_embeddings.weight', shape: [config.tokenTypes, hiddenSize] },
  ];
  const add = (name: string, ...shape: number[]): void => {
    tensors.push({ name: `${name}.weight`, shape }, { name: `${name}.bias`, shape: shape.slice(0, 1) });
  };
  add('embeddings.LayerNorm', hiddenSize);
  for (let i = 0; i < layers; i++) {
    const layer = `encoder.layer.${i}`;
    for (const part of ['query', 'key', 'value'])
      add(`${layer}.attention.self.${part}`, hiddenSize, hiddenSize);
    add(`${layer}.attention.output.dense`, hiddenSize, hiddenSize);
    add(`${layer}.attention.output.LayerNorm`, hiddenSize);
    add(`${layer}.intermediate.dense`, intermediateSize, hiddenSize);
    add(`${layer}.output.dense`, hiddenSize, intermediateSize);
    add(`${layer}.output.LayerNorm`, hiddenSize);
  }
  if (hasPooler) add('pooler.dense', hiddenSize, hiddenSize);
  return tensors;
}

/** An open checkpoint of a BERT model: a folder as `save_pretrained` or sentence-transformers writes it. */
export class BertCheckpoint {
  readonly folder: string;
  readonly config: BertConfig;
  readonly tensors: readonly (BertTensor & { readonly weight: Weight })[];
  readonly #weights: CheckpointWeights;

  private constructor(config: BertConfig, tensors: BertCheckpoint['tensors'], weights: CheckpointWeights) {
    this.folder = weights.folder;
    this.config = config;
    this.tensors = tensors;
    this.#weights = weights;
  }

  /**
   * Opens a checkpoint and checks that it holds every tensor of the encoder in its shape. A pooler may be there or not; heads for
   * other tasks are passed over. Throws `NOT_FOUND` naming what is missing, `UNSUPPORTED` for another architecture or tensors
   * that BERT has not, `CORRUPT_FILE`, `IO` and `ABORTED`.
   */
  static async open(folder: string, signal?: AbortSignal): Promise<BertCheckpoint> {
    await checkFolder(folder);
    const path = join(folder, 'config.json');
    const config = parseBertConfig(
      await readCheckpointJson(folder, 'config.json', checkpointAdvice, signal),
      path,
    );
    const weights = await CheckpointWeights.open(folder, signal);
    try {
      const names = [...weights.names()];
      // Models with a head for another task have the encoder under a name.
      const prefix = names.some((name) => name.startsWith('bert.')) ? 'bert.' : '';
      // The oldest checkpoints have TensorFlow's names for the weights of norms.
      const isOld = names.some((name) => name.endsWith('.LayerNorm.gamma'));
      const held = (name: string): string => (isOld ? oldName(name) : name);
      const hasPooler = names.includes(`${prefix}pooler.dense.weight`);
      const tensors = bertTensors(config, hasPooler).map((tensor) => ({
        ...tensor,
        weight: weights.weight(held(prefix + tensor.name), tensor.shape),
      }));
      const known = new Set(tensors.map(({ name }) => held(prefix + name)));
      const other = names.find((name) => !known.has(name) && !isPassedOver(name, prefix));
      if (other !== undefined) {
        const what = `holds the tensor ${JSON.stringify(other).slice(0, 120)}, which a BERT model has not`;
        throw new QuernError('UNSUPPORTED', what, { where: folder });
      }
      return new BertCheckpoint(config, tensors, weights);
    } catch (error) {
      await weights.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#weights.close();
  }
}

function oldName(name: string): string {
  return name
    .replace(/\.LayerNorm\.weight$/, '.LayerNorm.gamma')
    .replace(/\.LayerNorm\.bias$/, '.LayerNorm.beta');
}

function isPassedOver(name: string, prefix: string): boolean {
  const own = name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
  if (own === undefined) return /^(cls|classifier|qa_outputs)\./.test(name);
  return own === 'embeddings.position_ids';
}
