/**
 * The memory that training needs, before anything is loaded. What is left out: the embedder of a reward, rotations, what an
 * allocator cannot use of its blocks, and a GPU's own libraries. Tensors in between are counted as freed once nothing needs
 * them, which takes a scope around each layer and one around the forward pass.
 */
import type { Qwen2Config } from '../../models/checkpoint/qwen2-config.ts';
import { layerMatrices, qwen2Tensors } from '../../models/checkpoint/qwen2-tensors.ts';
import { freeMemory } from '../../models/free-memory.ts';
import { byteSize } from '../../byte-size.ts';
import { copiedParameters } from '../policy/sampler-copy.ts';
import type { TrainConfig } from './train-config.ts';

/** A part of the memory. */
export interface MemoryRow {
  readonly what: string;
  readonly bytes: number;
  /** The field that changes it the most. */
  readonly setting: keyof TrainConfig;
  /** When it is held; all the time where it is not told. A rollout and an update do not happen at once. */
  readonly phase?: 'rollout' | 'update';
}

/** What memory is counted for. */
export interface MemorySubject {
  readonly config: TrainConfig;
  readonly model: Qwen2Config;
  readonly device: 'cpu' | 'cuda';
  /** The type that products are computed in. */
  readonly dtype: 'float32' | 'bfloat16';
}

/** The memory of a training. */
export interface TrainingMemory {
  readonly subject: MemorySubject;
  readonly rows: readonly MemoryRow[];
  /** The most bytes at a time: what is always held, and the larger of rollout and update. */
  readonly total: number;
  /** Bytes that can be taken. */
  readonly available: number;
  /** Completions that are generated at a time: `generation_rows`, with `auto` resolved; 1 at least. 0 for sft. */
  readonly resolvedRows: number;
}

/** Bytes of logits at a time, as LibTorch's `tokenLogProbabilities` makes them. */
const logitsBytes = { cpu: 128 * 2 ** 20, cuda: 512 * 2 ** 20 };

/**
 * The memory of a training, in bytes. `available` is what can be taken: by default {@link freeMemory} on the processor, and
 * without limit on a GPU, of which the caller knows. `generation_rows: auto` becomes the most that fit into it, at most
 * `generation_batch_size`. The cache of a rollout is counted as freed before the update.
 */
export function trainingMemory(
  subject: MemorySubject,
  available: number = subject.device === 'cpu' ? freeMemory() : Infinity,
): TrainingMemory {
  const rows = [...heldRows(subject), ...updateRows(subject)];
  if (subject.config.method === 'sft') {
    return { subject, rows, total: mostAtOnce(rows), available, resolvedRows: 0 };
  }
  const resolvedRows = rowsOf(subject, available - sumOf(rows, undefined));
  rows.push({
    what: `keys and values of ${resolvedRows} completions`,
    bytes: resolvedRows * rowBytes(subject) + cacheBytes(subject),
    setting: 'generation_rows',
    phase: 'rollout',
  });
  return { subject, rows, total: mostAtOnce(rows), available, resolvedRows };
}

/** What is held from the first step to the last. */
function heldRows({ config, model, device, dtype }: MemorySubject): MemoryRow[] {
  const all = parameterCount(model);
  const trained = trainedCount(config, model);
  const bf16 = dtype === 'bfloat16';
  const half = bf16 ? 2 : 4;
  const rows: MemoryRow[] = config.use_peft
    ? [
        { what: 'weights, which stay as they are', bytes: all * half, setting: 'model_name_or_path' },
        { what: 'adapters (float32)', bytes: trained * 4, setting: 'lora_r' },
      ]
    : [{ what: 'weights (float32)', bytes: all * 4, setting: 'use_peft' }];
  const setting = config.use_peft ? 'lora_r' : 'use_peft';
  rows.push({ what: 'gradients (float32)', bytes: trained * 4, setting });
  rows.push({ what: 'moments of AdamW (2 × float32)', bytes: trained * 8, setting });
  if (config.method === 'sft') return rows;
  if (config.beta > 0 && !config.use_peft) {
    rows.push({ what: 'reference model', bytes: all * half, setting: 'beta' });
  }
  const copied = copiedParameters({ model, device, bf16, isAdapted: config.use_peft });
  if (copied > 0) {
    rows.push({ what: "the sampler's copy", bytes: copied * half, setting: 'model_name_or_path' });
  }
  return rows;
}

/** What is held while a micro-batch goes forward and backward. */
function updateRows({ config, model, device, dtype }: MemorySubject): MemoryRow[] {
  const isHalf = dtype === 'bfloat16';
  const size = isHalf ? 2 : 4;
  const { hiddenSize, layers, vocabularySize } = model;
  const embeddings = vocabularySize * hiddenSize;
  // The longest sequence goes through, whatever the budget.
  const longest = config.max_prompt_length + config.max_completion_length;
  const tokens = Math.max(config.tokens_per_micro_batch, longest);
  const isChecked = config.gradient_checkpointing;
  // Of each layer its input, in float32; of one layer, or all, what its gradients need; and the gradients of one.
  const kept = isChecked
    ? layers * 4 * hiddenSize + layerBytes(model, size)
    : layers * layerBytes(model, size);
  const ofHead = (12 + 2 * size) * hiddenSize;
  const rows: MemoryRow[] = [
    {
      what: `activations of ${tokens} tokens${isChecked ? ', checkpointed' : ''}`,
      bytes: tokens * (kept + layerGradientBytes(model, size) + ofHead),
      setting: isChecked ? 'tokens_per_micro_batch' : 'gradient_checkpointing',
      phase: 'update',
    },
    {
      what: 'logits, a chunk at a time, and their gradients',
      bytes: 2 * Math.min(logitsBytes[device], 4 * tokens * vocabularySize),
      setting: 'tokens_per_micro_batch',
      phase: 'update',
    },
  ];
  // Autocast keeps what it made of float32 weights until the pass ends; frozen ones are in bfloat16 already.
  if (isHalf && !config.use_peft) {
    const bytes = parameterCount(model) * 2;
    rows.push({ what: 'weights in bfloat16', bytes, setting: 'bf16', phase: 'update' });
  }
  if (!config.use_peft) {
    // Of tied matrices the gradients of both uses are there at once, before they are added to what is held.
    const bytes = embeddings * 4 * (model.tiedEmbeddings ? 2 : 1);
    rows.push({
      what: 'gradient of embeddings while it is made',
      bytes,
      setting: 'use_peft',
      phase: 'update',
    });
  }
  return rows;
}

/**
 * The bytes that a layer keeps of a token for its gradients, as `Qwen2Model` computes it: what goes into both norms, and that
 * divided by its size, in float32; the inputs of the products, of which autocast makes one each; query, key, value and what is
 * attended, and the sum of each row's scores; and of the MLP the gate before and after SiLU, the other factor and the product.
 */
function layerBytes(model: Qwen2Config, size: number): number {
  const { hiddenSize, heads, intermediateSize } = model;
  const norms = 2 * (8 * hiddenSize + 4);
  const inputs = (size === 2 ? 5 : 2) * size * hiddenSize;
  const attention = 2 * size * (hiddenSize + keyValueSize(model)) + 4 * heads;
  return norms + inputs + attention + 4 * size * intermediateSize;
}

/** Bytes a token of the gradients that are there at once within a layer: those of the MLP, and of its input and output. */
function layerGradientBytes({ hiddenSize, intermediateSize }: Qwen2Config, size: number): number {
  return 3 * size * intermediateSize + 8 * hiddenSize;
}

/** The completions of `generation_rows` at a time; for `auto`, what fits into the bytes that are left. */
function rowsOf(subject: MemorySubject, left: number): number {
  const { generation_rows: rows, generation_batch_size: most } = subject.config;
  if (rows !== 'auto') return Math.min(rows, most);
  const fitting = Math.floor((left - cacheBytes(subject)) / rowBytes(subject));
  return Math.max(1, Math.min(most, fitting));
}

/** Bytes of the keys and values of a completion and its prompt, at their longest. */
function cacheBytes({ config, model, dtype }: MemorySubject): number {
  const size = dtype === 'bfloat16' ? 2 : 4;
  const tokens = config.max_prompt_length + config.max_completion_length;
  return model.layers * 2 * keyValueSize(model) * size * Math.min(tokens, model.positions);
}

/** Bytes of one more completion: its keys and values, and the logits that its next token is drawn from. */
function rowBytes(subject: MemorySubject): number {
  return cacheBytes(subject) + 3 * 4 * subject.model.vocabularySize;
}

function keyValueSize({ hiddenSize, heads, keyValueHeads }: Qwen2Config): number {
  return (hiddenSize / heads) * keyValueHeads;
}

/** The parameters of a model. */
export function parameterCount(model: Qwen2Config): number {
  return qwen2Tensors(model).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** The parameters that are trained: all, or those of LoRA adapters, `lora_r` rows and columns of each matrix's sizes. */
export function trainedCount(config: TrainConfig, model: Qwen2Config): number {
  if (!config.use_peft) return parameterCount(model);
  return adaptedShapes(config, model).reduce(
    (sum, [rows, columns]) => sum + config.lora_r * (rows + columns),
    0,
  );
}

function adaptedShapes(
  { lora_target_modules: targets }: TrainConfig,
  model: Qwen2Config,
): (readonly number[])[] {
  const names = [...layerMatrices.keys()].filter((name) => {
    return targets.some((target) => target === 'all-linear' || target === name.split('.')[1]);
  });
  return qwen2Tensors(model)
    .filter(({ name }) => names.some((matrix) => name.endsWith(`.${matrix}.weight`)))
    .map(({ shape }) => shape);
}

function mostAtOnce(rows: readonly MemoryRow[]): number {
  return sumOf(rows, undefined) + Math.max(sumOf(rows, 'rollout'), sumOf(rows, 'update'));
}

function sumOf(rows: readonly MemoryRow[], phase: MemoryRow['phase']): number {
  return rows.reduce((sum, row) => (row.phase === phase ? sum + row.bytes : sum), 0);
}

/** The memory as a table for people: what, bytes, the field that changes it; then the sum, and what is free where known. */
export function memoryText({ rows, total, available }: TrainingMemory): string {
  const lines = rows.map(({ what, bytes, setting, phase }) => [
    what,
    byteSize(bytes),
    phase === undefined ? setting : `${setting}, ${phase} only`,
  ]);
  lines.push(['at most at a time', byteSize(total), '']);
  if (available !== Infinity) lines.push(['free', byteSize(available), '']);
  const [first, second] = [0, 1].map((i) => Math.max(...lines.map((cells) => cells[i].length)));
  return lines
    .map(([what, bytes, note]) => `${what.padEnd(first)}  ${bytes.padStart(second)}  ${note}`.trimEnd())
    .join('\n');
}
