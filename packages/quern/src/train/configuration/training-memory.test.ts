import { autocast, memory, resetPeakMemory, scope, tensor } from '@quern/libtorch';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasLibTorch } from '../../../test/has-libtorch.ts';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import type { Qwen2Config } from '../../models/checkpoint/qwen2-config.ts';
import { publishedModels } from '../../models/gguf/published-models.ts';
import { randomQwen2 } from '../../models/torch/random-qwen2.ts';
import { TrainedModel } from '../policy/trained-model.ts';
import { tinyModelConfig, writeTinyModel } from '../tiny-model.ts';
import { checkFits } from './memory-check.ts';
import { readTrainConfig } from './read-config.ts';
import type { PresetName } from './presets.ts';
import {
  memoryText,
  parameterCount,
  trainedCount,
  trainingMemory,
  type MemorySubject,
  type TrainingMemory,
} from './training-memory.ts';

const [seven, , small] = publishedModels.map(({ config }) => config);
const GB = 1e9;

interface Case extends Partial<Omit<MemorySubject, 'config'>> {
  readonly preset?: PresetName;
  readonly set?: readonly string[];
  readonly free?: number;
}

async function memoryOf({
  preset = 'tongsearch-1.5b',
  set = [],
  free = 80 * GB,
  ...rest
}: Case): Promise<TrainingMemory> {
  const config = await readTrainConfig({ preset, set: ['train_data=d', ...set], out: 'run' });
  return trainingMemory({ config, model: small, device: 'cuda', dtype: 'bfloat16', ...rest }, free);
}

function bytesOf({ rows }: TrainingMemory, what: RegExp): number | undefined {
  return rows.find((row) => what.test(row.what))?.bytes;
}

describe('the parameters', () => {
  it('of Qwen2.5-1.5B and 7B are as many as published', () => {
    expect([small, seven].map((model) => parameterCount(model))).toEqual([1_543_714_304, 7_615_616_512]);
  });

  it('of LoRA are rank × (rows + columns) of each matrix', async () => {
    const { subject } = await memoryOf({ set: ['use_peft=true', 'lora_target_modules=[q_proj, k_proj]'] });
    // 28 layers; query 1536 × 1536, key 256 × 1536; rank 16.
    expect(trainedCount(subject.config, small)).toBe(28 * 16 * (1536 + 1536 + 256 + 1536));
  });
});

describe('training Qwen2.5-1.5B in full on a GPU', () => {
  it('holds weights, gradients and two moments in float32, and reference and sampler in bfloat16', async () => {
    const held = (await memoryOf({})).rows.filter(({ phase }) => phase === undefined);
    expect(held.map(({ bytes }) => bytes)).toEqual([4, 4, 8, 2, 2].map((each) => each * 1_543_714_304));
  });

  it('has no reference without the KL divergence', async () => {
    expect(bytesOf(await memoryOf({ set: ['beta=0'] }), /reference/)).toBeUndefined();
  });

  it('keeps the inputs of 28 layers of 1536 values a token, and one layer in full', async () => {
    // By hand, of a token: inputs 28 × 4 × 1536; norms 2 × (8 × 1536 + 4); five copies for products, query and attended, of
    // 1536 values each, key and value of 256, 12 heads, four times 8960, all in 2 bytes; gradients 3 × 2 × 8960 + 8 × 1536;
    // behind the layers 16 × 1536.
    const layer = 24_584 + 15_360 + 6_144 + 1_024 + 48 + 71_680;
    const token = 172_032 + layer + 53_760 + 12_288 + 24_576;
    expect(bytesOf(await memoryOf({}), /activations/)).toBe(16_384 * token);
  });

  it('without checkpointing keeps all layers in full', async () => {
    const all = bytesOf(await memoryOf({ set: ['gradient_checkpointing=false'] }), /activations/);
    expect(all).toBe(16_384 * (28 * 118_840 + 53_760 + 12_288 + 24_576));
  });

  it('caches 28,672 bytes of keys and values a token', async () => {
    const { rows } = await memoryOf({ set: ['generation_rows=10'] });
    const logits = 3 * 4 * 151_936;
    expect(rows.at(-1)!.bytes).toBe(11 * 28_672 * 8500 + 10 * logits);
  });

  it('fits 80 GB as published, with all 192 completions at a time', async () => {
    const fitting = await memoryOf({});
    expect(() => checkFits(fitting)).not.toThrow();
    expect(fitting.resolvedRows).toBe(192);
  });
});

describe('rows of a rollout', () => {
  it('are as many as fit into what is left', async () => {
    const { resolvedRows, total } = await memoryOf({ free: 60 * GB });
    expect(resolvedRows).toBe(117);
    expect(total).toBeLessThanOrEqual(60 * GB);
    const oneMore = await memoryOf({ free: 60 * GB, set: ['generation_rows=118'] });
    expect(oneMore.total).toBeGreaterThan(60 * GB);
  });

  it('are never more than there are completions, and never none', async () => {
    expect((await memoryOf({ free: Infinity })).resolvedRows).toBe(192);
    expect((await memoryOf({ free: 0 })).resolvedRows).toBe(1);
    expect((await memoryOf({ set: ['generation_rows=500'] })).resolvedRows).toBe(192);
  });
});

describe('Qwen2.5-7B', () => {
  it('does not fit 139 GB in full: AdamW alone makes it 16 bytes a parameter', async () => {
    const full = await memoryOf({
      preset: 'tongsearch-7b',
      set: ['use_peft=false'],
      model: seven,
      free: 139 * GB,
    });
    expect(full.total).toBeGreaterThan(16 * 7_615_616_512);
    expect(() => checkFits(full)).toThrow(
      /needs 18\d\.\d GB, and 139\.0 GB are free.*use_peft: false → true would do/,
    );
  });

  it('fits 80 GB with LoRA, whose reference is the model itself', async () => {
    const adapted = await memoryOf({ preset: 'tongsearch-7b', model: seven });
    expect(() => checkFits(adapted)).not.toThrow();
    expect(bytesOf(adapted, /reference/)).toBeUndefined();
    expect(bytesOf(adapted, /stay/)).toBe(2 * 7_615_616_512);
    // What is merged and joined: all but embeddings, head and norms.
    const matrices = 28 * (2 * 3584 * 3584 + 2 * 3584 * 512 + 3 * 3584 * 18_944);
    const biases = 28 * (3584 + 2 * 512);
    expect(bytesOf(adapted, /sampler/)).toBe(2 * (matrices + biases));
  });
});

it('on a processor all is in float32, and a sampler of this size has the same weights', async () => {
  const onProcessor = await memoryOf({ device: 'cpu', dtype: 'float32' });
  expect(bytesOf(onProcessor, /reference/)).toBe(4 * 1_543_714_304);
  expect(bytesOf(onProcessor, /sampler|bfloat16/)).toBeUndefined();
});

it('sft needs neither reference nor rollout', async () => {
  const { rows, resolvedRows } = await memoryOf({ set: ['method=sft'] });
  expect(rows.filter(({ phase, what }) => phase === 'rollout' || /reference|sampler/.test(what))).toEqual([]);
  expect(resolvedRows).toBe(0);
});

describe('what is advised where memory is short', () => {
  it.each([
    [['gradient_checkpointing=false'], 80, 'gradient_checkpointing: false → true would do'],
    [['generation_rows=192'], 70, 'generation_rows: 192 → auto would do'],
    [['tokens_per_micro_batch=65536'], 60, 'tokens_per_micro_batch: 65536 → 32768 would do'],
    [
      ['max_prompt_length=500', 'tokens_per_micro_batch=16384'],
      38,
      'tokens_per_micro_batch: 16384 → 2048 would do',
    ],
    [[], 24, 'use_peft: false → true would do'],
    [['use_peft=true'], 2, 'Take a smaller model, or a device with more memory'],
  ] as const)('%j in %d GB: %s', async (set, free, advice) => {
    const short = await memoryOf({ set, free: free * GB });
    expect(() => checkFits(short)).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY', hint: advice }));
  });

  it('would do indeed', async () => {
    const better = await memoryOf({ set: ['tokens_per_micro_batch=32768'], free: 60 * GB });
    expect(() => checkFits(better)).not.toThrow();
  });
});

it('is told as a table that ends with the sum and what is free', async () => {
  const lines = memoryText(await memoryOf({})).split('\n');
  expect(lines[0]).toMatch(/^weights \(float32\) +6\.2 GB {2}use_peft$/);
  expect(lines.slice(-2).map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
    'at most at a time 78.3 GB',
    'free 80.0 GB',
  ]);
});

const shape: Qwen2Config = {
  hiddenSize: 128,
  layers: 4,
  heads: 4,
  keyValueHeads: 2,
  intermediateSize: 512,
  vocabularySize: 512,
  positions: 4096,
  normEpsilon: 1e-6,
  ropeBase: 1e4,
  tiedEmbeddings: false,
  endTokens: [1],
};

/** The most bytes that tensors hold while 1024 tokens go through a model and back, beside what was held before. */
function measuredPeak(dtype: 'float32' | 'bfloat16'): number {
  const model = randomQwen2(shape, { isTrained: true });
  const pass = (): void => {
    const tokens = tensor(
      BigInt64Array.from({ length: 1024 }, (_, i) => BigInt(i % 500)),
      { shape: [4, 256] },
    );
    const logProbabilities = scope(() => model.tokenLogProbabilities(tokens));
    resetPeakMemory();
    logProbabilities.sum().neg().backward();
  };
  const through = (): void => scope(() => (dtype === 'bfloat16' ? autocast('bfloat16', pass) : pass()));
  try {
    // The first makes the gradients, which are counted apart.
    through();
    const before = memory().bytes;
    through();
    return memory().peakBytes - before;
  } finally {
    model.close();
  }
}

describe.skipIf(!hasLibTorch).each(['float32', 'bfloat16'] as const)('an update in %s', (dtype) => {
  it('holds nearly what is counted, and not more', async () => {
    const { rows } = await memoryOf({
      preset: 'smoke',
      set: ['gradient_checkpointing=false', 'tokens_per_micro_batch=1024', 'max_prompt_length=200'],
      model: shape,
      device: 'cpu',
      dtype,
    });
    const counted = rows.filter(({ phase }) => phase === 'update').reduce((sum, { bytes }) => sum + bytes, 0);
    const share = measuredPeak(dtype) / counted;
    expect(share).toBeLessThanOrEqual(1);
    expect(share).toBeGreaterThan(0.85);
  });
});

it.skipIf(!hasLibTorch).each([
  ['a small model', []],
  ['adapters of some matrices', ['use_peft=true', 'lora_target_modules=[q_proj]']],
  ['adapters in bfloat16', ['use_peft=true', 'bf16=true']],
  ['a small model in bfloat16', ['bf16=true']],
])('on a processor what is always held is what a trained model holds: %s', async (_, set) => {
  const folder = temporaryFolder();
  await writeTinyModel(join(folder, 'tiny'), 1);
  const given = ['max_prompt_length=64', 'max_completion_length=16', 'beta=0.01', ...set];
  const dtype = set.includes('bf16=true') ? ('bfloat16' as const) : ('float32' as const);
  const planned = await memoryOf({ device: 'cpu', dtype, model: tinyModelConfig, set: given });
  const { config } = planned.subject;
  const before = memory().bytes;
  const trained = await TrainedModel.open({
    folder: join(folder, 'tiny'),
    device: 'cpu',
    bf16: dtype === 'bfloat16',
    seed: 1,
    optimizer: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 },
    keepsReference: true,
    samples: true,
    gradientCheckpointing: false,
    ...(config.use_peft && {
      lora: { rank: config.lora_r, alpha: config.lora_alpha, targets: config.lora_target_modules },
    }),
  });
  const held = memory().bytes - before;
  trained.close();
  const wanted = planned.rows
    .filter(({ phase, what }) => phase === undefined && !/gradients|moments/.test(what))
    .reduce((sum, { bytes }) => sum + bytes, 0);
  expect(held / wanted).toBeGreaterThan(0.97);
  expect(held / wanted).toBeLessThan(1.03);
});
