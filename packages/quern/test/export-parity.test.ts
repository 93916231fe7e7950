/** What training writes, taken by llama.cpp: the same tokens as on LibTorch, and adapters that find their base. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildsFolder, noGrad, scope, tensor } from '@quern/libtorch';
import type { LlamaModel, Token } from 'node-llama-cpp';
import { beforeAll, describe, expect, it } from 'vitest';
import { convertToGguf } from '../src/models/convert.ts';
import { checkpointParts } from '../src/models/checkpoint-parts.ts';
import { Qwen2Model } from '../src/models/torch/qwen2-model.ts';
import { TokenGenerator } from '../src/models/torch/token-generation.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { withLlamaModel } from './llama-model.ts';
import { quern, quernJson } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { writeTinyAdapter } from './tiny-adapter.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const folder = temporaryFolder();
const count = 32;
/** Of text, 5 to 24 tokens long. */
const prompts = Array.from({ length: 20 }, (_, i) =>
  Array.from({ length: 5 + i }, (__, at) => (i * 31 + at * (7 + i)) % 94),
);

/** The tokens that llama.cpp finds the likeliest, one after the other. */
async function greedyByLlama(model: LlamaModel, prompt: readonly number[]): Promise<number[]> {
  const context = await model.createContext({ contextSize: 256, flashAttention: false });
  try {
    const tokens: number[] = [];
    const options = { temperature: 0, yieldEogToken: true };
    for await (const token of context.getSequence().evaluate(prompt as Token[], options)) {
      tokens.push(token);
      if (tokens.length === count) break;
    }
    return tokens;
  } finally {
    await context.dispose();
  }
}

/** The difference of the two best logits after some tokens. */
function gapAfter(model: Qwen2Model, tokens: readonly number[]): number {
  return scope(() =>
    noGrad(() => {
      const row = tensor(BigInt64Array.from(tokens, BigInt), { shape: [1, tokens.length] });
      const last = model.hidden(row).narrow(1, tokens.length - 1, 1);
      const logits = last.reshape([1, -1]).matmul(model.head.transpose(0, 1)).to('float32');
      const [values] = logits.topk(2);
      return values
        .narrow(1, 0, 1)
        .sub(values.narrow(1, 1, 1))
        .item() as number;
    }),
  );
}

/** How each prompt goes on by both: where they part, and how close the two best tokens are there. */
async function partings(
  checkpoint: string,
  gguf: string,
): Promise<{ tokens: number[]; at: number; gap: number }[]> {
  const model = await Qwen2Model.load(checkpoint);
  const generator = new TokenGenerator(model, {
    sampling: { temperature: 0, maxTokens: count },
    endTokens: [],
  });
  try {
    return await withLlamaModel(gguf, async (llama) => {
      const found: { tokens: number[]; at: number; gap: number }[] = [];
      for (const prompt of prompts) {
        const [{ tokens: ours }] = await generator.generate({ prompt, seeds: [0] });
        const theirs = await greedyByLlama(llama, prompt);
        const at = ours.findIndex((token, i) => theirs[i] !== token);
        const gap = at < 0 ? 0 : gapAfter(model, [...prompt, ...ours.slice(0, at)]);
        found.push({ tokens: [...ours], at, gap });
      }
      return found;
    });
  } finally {
    await generator.close();
    model.close();
  }
}

it.skipIf(!hasLibTorch).each([
  [1, true],
  [2, false],
])('llama.cpp goes on greedily as LibTorch does, token by token (seed %i, tied %s)', async (seed, tied) => {
  const checkpoint = join(folder, `greedy-${seed}`);
  const out = `${checkpoint}.gguf`;
  await writeTinyCheckpoint(checkpoint, { dtype: 'F16', seed, tied });
  await convertToGguf(checkpoint, { type: 'f16', out });
  const found = await partings(checkpoint, out);
  if (process.env['QUERN_TELL']) console.log(found.map(({ at, gap }) => [at, gap]));
  expect(found.filter(({ gap }) => gap >= 0.01)).toEqual([]);
  // Texts that vary, most of them the same to the end.
  expect(new Set(found.map(({ tokens }) => tokens.join())).size).toBe(prompts.length);
  expect(new Set(found.flatMap(({ tokens }) => tokens)).size).toBeGreaterThan(40);
  expect(found.filter(({ at }) => at < 0).length).toBeGreaterThanOrEqual(15);
});

describe('an adapter alone', () => {
  const base = join(folder, 'base');
  const run = join(folder, 'run');
  const adapter = join(run, 'checkpoint-2');
  const named = async (value: unknown): Promise<void> =>
    writeTinyAdapter(adapter, { config: { base_model_name_or_path: value } });
  const bytes = (...args: string[]): Promise<Buffer> => exported(join(folder, 'made.gguf'), args);

  beforeAll(() => writeTinyCheckpoint(base));

  it('is exported merged into the checkpoint that it names, or apart', async () => {
    await named(base);
    expect(await checkpointParts(adapter)).toEqual({ folder: base, adapters: [adapter] });
    expect(await bytes(adapter)).toEqual(await bytes(base, '--lora', adapter));
    expect(await bytes(adapter)).not.toEqual(await bytes(base));
    expect(await bytes(adapter, '--keep-apart')).toEqual(
      await bytes(base, '--lora', adapter, '--keep-apart'),
    );
  });

  it("finds a run's own tiny model beside its checkpoint", async () => {
    await named('random:tiny');
    await expect(checkpointParts(adapter)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    cpSync(base, join(run, 'random-tiny'), { recursive: true });
    expect(await checkpointParts(adapter)).toEqual({
      folder: join(run, 'random-tiny'),
      adapters: [adapter],
    });
    rmSync(join(run, 'random-tiny'), { recursive: true });
  });

  it('says what is missing, and what to do', async () => {
    await named('./no/such');
    const { code, stderr } = await quern(['export', adapter, '--out', join(folder, 'none.gguf')]);
    expect(code).toBe(1);
    expect(stderr).toContain('adapter_config.json: the checkpoint that it changes is not there: ./no/such');
    expect(stderr).toContain(`--lora ${adapter}`);
    await named(null);
    await expect(checkpointParts(adapter)).rejects.toMatchObject({ code: 'CORRUPT_FILE' });
  });
});

/** What `quern export` writes as f16, or apart. */
async function exported(out: string, args: readonly string[]): Promise<Buffer> {
  const type = args.includes('--keep-apart') ? [] : ['--gguf', 'f16'];
  await quernJson(['export', ...args, ...type, '--out', out]);
  return readFileSync(out);
}

it.skipIf(!hasLibTorch).each([
  ['full', []],
  ['LoRA', ['--set', 'use_peft=true']],
] as const)(
  'a checkpoint of a run (%s) is exported and asked',
  async (kind, settings) => {
    const run = join(folder, `smoke-${kind}`);
    // The cache is another one, LibTorch's builds are not.
    const LIBTORCH_BUILDS = buildsFolder();
    const env = { QUERN_CACHE: join(folder, 'cache'), QUERN_DEVICE: 'cpu', LIBTORCH_BUILDS };
    const trained = await quern(
      ['train', '--preset', 'smoke', '--set', 'max_steps=1', ...settings, '--out', run],
      { env },
    );
    expect([trained.code, trained.stderr.includes('Error')]).toEqual([0, false]);
    const checkpoint = join(run, 'checkpoint-1');
    expect(existsSync(join(checkpoint, 'optimizer.safetensors'))).toBe(true);
    const out = join(folder, `${kind}.gguf`);
    await quernJson(['export', checkpoint, '--gguf', 'q8_0', '--out', out], { env });
    const config = join(folder, 'short.yaml');
    for (const reasoner of [`llama:${out}`, `llama:${checkpoint}`]) {
      writeFileSync(config, `reasoners:\n  ${JSON.stringify(reasoner)}: { sampling: { maxTokens: 100 } }\n`);
      const args = ['reason', 'why do cats purr', '--reasoner', reasoner, '--config', config, '--strict'];
      const answer = await quernJson<{ finish: string; completionTokens: number }>(args, { env });
      expect(answer.completionTokens).toBeGreaterThan(0);
    }
  },
  120_000,
);
