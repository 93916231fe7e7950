/** Models on LibTorch beside transformers; the golden files' commands are in oracles/models/README.md. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { noGrad, scope, tensor, type Dtype, type Tensor } from '@quern/libtorch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbedder } from '../src/dense/embedders.ts';
import { convertToGguf } from '../src/models/convert.ts';
import type { WeightDtype } from '../src/models/checkpoint/checkpoint-weights.ts';
import { SafetensorsFile } from '../src/models/checkpoint/safetensors.ts';
import { float32ToBfloat16, float32ToFloat16 } from '../src/models/gguf/float-formats.ts';
import { Qwen2Model } from '../src/models/torch/qwen2-model.ts';
import { BertModel } from '../src/models/torch/bert-model.ts';
import { saveModel } from '../src/models/torch/save-model.ts';
import { TokenGenerator } from '../src/models/torch/token-generation.ts';
import { fileHashes } from './file-hashes.ts';
import { goldenFile } from './golden-file.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { oracleModels, writeOracleModel } from './oracle-models.ts';
import { savedModels, writeSavedModel } from './saved-models.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { writeTinyBert } from './tiny-bert.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

interface GoldenModel {
  readonly tokens: number[];
  readonly loss: number;
  /** At the last token. */
  readonly logits: number[];
  readonly gradients: Record<string, { norm: number; at: number[]; values: number[] }>;
  /** Greedy, by repetition penalty. */
  readonly completions: Record<string, number[]>;
}

const golden = goldenFile<{
  models: Record<string, GoldenModel>;
  bert: { texts: string[]; lengths: number[]; mean: number[][]; cls: number[][] };
}>('models/torch.json');
const folder = temporaryFolder();
const checkpointOf = (name: string): string => join(folder, name, 'checkpoint');

function row(tokens: readonly number[]): Tensor {
  return tensor(BigInt64Array.from(tokens, BigInt), { shape: [1, tokens.length] });
}

/** The largest difference, beside 1 or what was wanted, whichever is more. */
function worst(found: readonly number[], wanted: readonly number[]): number {
  expect(found).toHaveLength(wanted.length);
  return Math.max(...wanted.map((value, i) => Math.abs(value - found[i]) / Math.max(1, Math.abs(value))));
}

describe.skipIf(!hasLibTorch).each(Object.keys(golden.models))('the Qwen2 model %s', (name) => {
  const { tokens, loss, logits, gradients, completions } = golden.models[name];
  let model: Qwen2Model;

  beforeAll(async () => {
    await writeOracleModel(join(folder, name), oracleModels[name]);
    model = await Qwen2Model.load(checkpointOf(name), { isTrained: true });
  });
  afterAll(() => model?.close());

  it('has the logits of transformers', () => {
    const found = scope(() =>
      noGrad(() =>
        model
          .logits(model.hidden(row(tokens)))
          .select(0, 0)
          .toArray(),
      ),
    );
    expect(worst(found.slice(-logits.length), logits)).toBeLessThan(1e-4);
  });

  it('has its loss and gradients, padded in a batch or not', () => {
    scope(() => {
      const found = model.tokenLogProbabilities(row(tokens)).mean().neg();
      expect(Math.abs(found.item() - loss)).toBeLessThan(1e-4);
      const padded = row([...tokens, 0, 0, 0]).expand([2, -1]);
      const alike = model
        .tokenLogProbabilities(padded)
        .narrow(1, 0, tokens.length - 1)
        .mean()
        .neg();
      expect(Math.abs(alike.item() - loss)).toBeLessThan(1e-4);
      alike.backward();
      for (const [key, { norm, at, values }] of Object.entries(gradients)) {
        const { grad } = model.weights.get(key)!;
        expect(Math.abs(grad!.norm().item() - norm)).toBeLessThan(1e-4 * Math.max(1, norm));
        const flat = grad!.toArray();
        expect(
          worst(
            at.map((i) => flat[i]),
            values,
          ),
        ).toBeLessThan(1e-4);
      }
      for (const weight of model.parameters) weight.grad = undefined;
    });
  });

  it.each(Object.keys(completions))(
    'generates what it generates, greedily with a penalty of %s',
    async (penalty) => {
      const sampling = {
        temperature: 0,
        topK: 0,
        topP: 1,
        repetitionPenalty: Number(penalty),
        maxTokens: 24,
      };
      const generator = new TokenGenerator(model, {
        sampling,
        endTokens: [297, 299],
        rows: 2,
        promptChunk: 16,
      });
      const [{ tokens: found }] = await generator.generate({ prompt: tokens, seeds: [1] });
      await generator.close();
      expect(found).toEqual(completions[penalty]);
    },
  );

  it('is saved in binary32 as a folder that holds the same model, in shards too, and that is converted', async () => {
    for (const shardBytes of [5e9, 60_000]) {
      const out = join(folder, name, `saved-${shardBytes}`);
      await saveModel(model, out, { from: checkpointOf(name), dtype: 'float32', shardBytes });
      const saved = await Qwen2Model.load(out);
      for (const [key, weight] of model.weights) {
        expect(scope(() => saved.weights.get(key)!.sub(weight).abs().max().item())).toBe(0);
      }
      saved.close();
      await convertToGguf(out, { type: 'f16', out: `${out}.gguf` });
      await expect(saveModel(model, out, { from: checkpointOf(name) })).rejects.toMatchObject({
        code: 'ALREADY_EXISTS',
      });
    }
  });
});

describe.skipIf(!hasLibTorch)('generation', () => {
  const sampling = { temperature: 1, topK: 0, topP: 1, repetitionPenalty: 1.1, maxTokens: 20 };
  const { tokens } = golden.models['tied'];
  let model: Qwen2Model;

  beforeAll(async () => {
    await writeTinyCheckpoint(join(folder, 'generating'), { seed: 3 });
    model = await Qwen2Model.load(join(folder, 'generating'));
  });
  afterAll(() => model?.close());

  it("evaluates a group's prompt once, gives rows on, and draws alike in a full batch and alone", async () => {
    const generator = new TokenGenerator(model, { sampling, endTokens: [299], rows: 3, promptChunk: 7 });
    const [group, other] = await Promise.all([
      generator.generate({ prompt: tokens, seeds: [1, 2, 3, 4, 5, 6, 7] }),
      generator.generate({ prompt: tokens.slice(0, 5), seeds: [1, 9] }),
    ]);
    const { promptTokens, rowSteps, steps } = generator.work;
    expect(promptTokens).toBe(tokens.length + 5);
    const drawn = [...group, ...other].reduce((sum, each) => sum + each.tokens.length, 0);
    // The first token of each is drawn from its prompt.
    expect(rowSteps).toBe(drawn - 9);
    expect(steps).toBeLessThan(rowSteps);
    const [alone] = await generator.generate({ prompt: tokens, seeds: [6] });
    expect(alone.tokens).toEqual(group[5].tokens);
    expect(alone.logProbabilities).toHaveLength(alone.tokens.length);
    await generator.close();
  });

  it('records the log-probabilities that the model gives', async () => {
    const plain = { ...sampling, repetitionPenalty: 1 };
    const generator = new TokenGenerator(model, { sampling: plain, endTokens: [], rows: 4 });
    const [completion] = await generator.generate({ prompt: tokens, seeds: [11] });
    await generator.close();
    const all = scope(() =>
      noGrad(() => model.tokenLogProbabilities(row([...tokens, ...completion.tokens])).toArray()),
    ).slice(tokens.length - 1);
    expect(worst(completion.logProbabilities, all)).toBeLessThan(1e-4);
    expect(worst(completion.drawnLogProbabilities, all)).toBeLessThan(1e-4);
  });

  it('takes calls that come as others end, and ends those that are given up', async () => {
    const generator = new TokenGenerator(model, { sampling, endTokens: [], rows: 2 });
    for (let i = 0; i < 20; i++) {
      const [one] = await generator.generate({ prompt: [1, 2, 3], seeds: [i] });
      expect(one.finish).toBe('length');
    }
    const stop = new AbortController();
    const call = generator.generate({
      prompt: [1, 2],
      seeds: [1, 2, 3],
      signal: stop.signal,
      onToken: () => stop.abort(),
    });
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' });
    const ending = new AbortController();
    const early = await generator.generate({
      prompt: [1, 2],
      seeds: [1],
      ending: ending.signal,
      onToken: () => ending.abort(),
    });
    expect(early[0]).toMatchObject({ finish: 'early', tokens: { length: 1 } });
    await generator.close();
  });

  it.each([
    ['is empty', [], /no tokens/],
    ['has tokens that the model has not', [300], /the token 300/],
    ['is too long', Array.from({ length: 32_760 }, () => 1), /32748/],
  ])('refuses a prompt that %s', async (_, prompt, message) => {
    const generator = new TokenGenerator(model, { sampling, endTokens: [], rows: 1 });
    await expect(generator.generate({ prompt, seeds: [1] })).rejects.toThrow(message);
    await generator.close();
  });
});

interface GoldenSaved {
  /** SHA-256 by name. */
  readonly files: Record<string, string>;
  /** As `dtype="auto"` finds it. */
  readonly dtype: Dtype;
  /** At the last token, in binary32. */
  readonly logits: number[];
  /** Of the logits in the model's own type from those in binary32, at all tokens, as a part of their norm. */
  readonly distance: number;
}

const goldenSaved = goldenFile<{ tokens: number[]; models: Record<string, GoldenSaved> }>(
  'models/saved.json',
);

/** Shape: (tokens, vocabulary), float32. */
function logitsOf(model: Qwen2Model, tokens: readonly number[]): Tensor {
  return noGrad(() => model.logits(model.hidden(row(tokens))).select(0, 0)).to('float32');
}

/** The bytes of a folder's tensors by their names, and their types. */
async function tensorsIn(at: string): Promise<Map<string, { dtype: string; bytes: Uint8Array }>> {
  const found = new Map<string, { dtype: string; bytes: Uint8Array }>();
  for (const name of readdirSync(at).filter((each) => each.endsWith('.safetensors'))) {
    const file = await SafetensorsFile.open(join(at, name));
    for (const [key, each] of file.tensors) {
      const bytes = new Uint8Array(each.bytes);
      await file.read(each, 0, bytes);
      found.set(key, { dtype: each.dtype, bytes });
    }
    await file.close();
  }
  return found;
}

/** Numbers as a file of this type has them. */
function encoded(values: Float32Array, dtype: WeightDtype): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const halves = new Uint16Array(values.length);
  (dtype === 'F16' ? float32ToFloat16 : float32ToBfloat16)(values, halves);
  return new Uint8Array(halves.buffer);
}

describe.skipIf(!hasLibTorch).each(Object.keys(savedModels))('the saved model "%s"', (name) => {
  const { files, dtype, logits, distance } = goldenSaved.models[name];
  const { tokens } = goldenSaved;
  const before = join(folder, `before-${name}`);
  const at = join(folder, `saved-${name}`);
  let model: Qwen2Model;

  beforeAll(async () => {
    await writeSavedModel(at, before, savedModels[name]);
    model = await Qwen2Model.load(at);
  });
  afterAll(() => model?.close());

  it('is the folder that transformers has opened, byte by byte', () => {
    expect(fileHashes(`${at}/`)).toEqual(files);
  });

  it('has the type that was asked for, bfloat16 where none was, each weight rounded to it', async () => {
    const wanted = savedModels[name].dtype ?? 'bfloat16';
    expect(dtype).toBe(wanted);
    const type = ({ float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const)[wanted];
    const found = await tensorsIn(at);
    const source = await Qwen2Model.load(join(before, 'checkpoint'));
    expect([...found.keys()].toSorted()).toEqual([...source.weights.keys()].toSorted());
    for (const [key, weight] of source.weights) {
      const { dtype: dtypeFound, bytes } = found.get(key)!;
      expect(dtypeFound).toBe(type);
      const values = encoded(scope(() => weight.data()) as Float32Array, type);
      expect(Buffer.compare(bytes, values)).toBe(0);
      const rounded = scope(() => model.weights.get(key)!.sub(weight.to(dtype)).abs().max().item());
      expect(rounded).toBe(0);
    }
    source.close();
  });

  it('has the logits that it has in transformers', () => {
    const found = scope(() =>
      logitsOf(model, tokens)
        .select(0, tokens.length - 1)
        .toArray(),
    );
    expect(worst(found, logits)).toBeLessThan(1e-4);
  });

  it('is computed in its own type as well as in transformers', async () => {
    const own = await Qwen2Model.load(at, { dtype });
    const found = scope(() => {
      expect(noGrad(() => own.hidden(row(tokens))).dtype).toBe(dtype);
      const exact = logitsOf(model, tokens);
      return logitsOf(own, tokens).sub(exact).norm().item() / exact.norm().item();
    });
    own.close();
    // Both round after each operation, not the same ones; where nothing is rounded only the order of sums differs.
    expect(found).toBeLessThan(2 * distance + 1e-6);
    expect(found).toBeGreaterThan(distance / 2 - 1e-6);
  });
});

/** The names of a checkpoint's tensors. */
async function namesIn(at: string): Promise<string[]> {
  const file = await SafetensorsFile.open(join(at, 'model.safetensors'));
  await file.close();
  return [...file.tensors.keys()];
}

describe.skipIf(!hasLibTorch)('torch: embedders', () => {
  it.each([
    ['mean', '', golden.bert.mean],
    ['cls', '', golden.bert.cls],
    ['mean', 'bert.', golden.bert.mean],
  ] as const)(
    'give the vectors of transformers, pooled by %s, under the prefix "%s"',
    async (pooling, prefix, wanted) => {
      const at = join(folder, `bert-${pooling}-${prefix}`);
      await writeTinyBert(at, { prefix });
      const cacheFolder = join(folder, 'cache');
      const embedder = await openEmbedder(`torch:${at}`, { settings: { pooling }, cacheFolder });
      const vectors = await embedder.embed(golden.bert.texts, 'document');
      await embedder.close();
      for (const [i, vector] of vectors.entries()) {
        expect(worst([...vector], wanted[i])).toBeLessThan(1e-5);
      }
    },
  );

  it('are saved whole, the pooler included, and give the same vectors', async () => {
    const from = join(folder, 'bert-pooler');
    await writeTinyBert(from, { prefix: 'bert.', hasPooler: true });
    const model = await BertModel.load(from);
    const at = join(folder, 'bert-saved');
    await saveModel(model, at, { from, dtype: 'float32' });
    model.close();
    expect(new Set(await namesIn(at))).toEqual(
      new Set((await namesIn(from)).map((name) => name.replace('bert.', ''))),
    );
    const embedder = await openEmbedder(`torch:${at}`, { settings: { pooling: 'mean' } });
    const vectors = await embedder.embed(golden.bert.texts, 'document');
    await embedder.close();
    expect(
      worst(
        vectors.flatMap((vector) => [...vector]),
        golden.bert.mean.flat(),
      ),
    ).toBeLessThan(1e-5);
  });
});

/** The folder of a tiny checkpoint that was changed. */
async function damaged(name: string, change: (at: string) => void): Promise<string> {
  const at = join(folder, name);
  await writeTinyCheckpoint(at, { dtype: 'F32' });
  change(at);
  return at;
}

describe.skipIf(!hasLibTorch)('a checkpoint is refused', () => {
  it('whose weights hold NaN, naming the tensor', async () => {
    const at = await damaged('nan', (path) => {
      const file = join(path, 'model.safetensors');
      const bytes = readFileSync(file);
      bytes.writeFloatLE(NaN, bytes.length - 4);
      writeFileSync(file, bytes);
    });
    await expect(Qwen2Model.load(at)).rejects.toMatchObject({ code: 'CORRUPT_FILE' });
    await expect(Qwen2Model.load(at)).rejects.toThrow(/the tensor model\.norm\.weight holds values/);
  });

  it('that is an encoder of another kind, as an embedder', async () => {
    const at = await damaged('decoder', () => undefined);
    await expect(openEmbedder(`torch:${at}`)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('whose tokenizer has more tokens than it embeds', async () => {
    const at = join(folder, 'other-tokenizer');
    await writeTinyBert(at);
    const path = join(at, 'tokenizer.json');
    const json = JSON.parse(readFileSync(path, 'utf8')) as { model: { vocab: Record<string, number> } };
    json.model.vocab['more'] = 999;
    writeFileSync(path, JSON.stringify(json));
    const embedder = await openEmbedder(`torch:${at}`, { settings: { pooling: 'mean' } });
    await expect(embedder.embed(['a'], 'query')).rejects.toThrow(/tokens up to 999, and the model embeds/);
    await embedder.close();
  });

  it('whose tokenizer is that of a model that writes', async () => {
    const at = join(folder, 'qwen2-tokenizer');
    await writeTinyBert(at, { config: { vocab_size: 300 } });
    await writeTinyCheckpoint(join(folder, 'qwen2'));
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
      cpSync(join(folder, 'qwen2', name), join(at, name));
    }
    const embedder = await openEmbedder(`torch:${at}`, { settings: { pooling: 'mean' } });
    await expect(embedder.embed(['a'], 'query')).rejects.toThrow(/puts no tokens around a text/);
    await embedder.close();
  });

  it('on a GPU that is not there', async () => {
    const at = join(folder, 'no-gpu');
    cpSync(join(folder, 'bert-mean-'), at, { recursive: true });
    const env = { ...process.env, QUERN_DEVICE: 'cuda:63' };
    const embedder = await openEmbedder(`torch:${at}`, { settings: { pooling: 'mean' }, env });
    await expect(embedder.embed(['a'], 'query')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await embedder.close();
  });
});
