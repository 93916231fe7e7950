import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { writeTinyAdapter } from '../../../test/tiny-adapter.ts';
import { writeTinyCheckpoint } from '../../../test/tiny-checkpoint.ts';
import { convertAdapterToGguf } from '../convert-adapter.ts';
import { convertToGguf } from '../convert.ts';
import { float16ToFloat32 } from '../gguf/float-formats.ts';
import { metadataNumber, readGguf } from '../gguf/gguf-reader.ts';
import { SafetensorsFile, writeSafetensors, type NewTensor } from './safetensors.ts';

const folder = temporaryFolder();
const base = join(folder, 'base');
const adapter = join(folder, 'adapter');
const out = join(folder, 'out.gguf');

beforeAll(() => writeTinyCheckpoint(base));

/** The tensors of the adapter's file, to be changed. */
async function adapterTensors(): Promise<NewTensor[]> {
  const file = await SafetensorsFile.open(join(adapter, 'adapter_model.safetensors'));
  const tensors: NewTensor[] = [];
  for (const tensor of file.tensors.values()) {
    const data = new Uint8Array(tensor.bytes);
    await file.read(tensor, 0, data);
    tensors.push({ ...tensor, data });
  }
  await file.close();
  return tensors;
}

async function values(path: string, name: string): Promise<Float32Array> {
  const tensor = (await readGguf(path)).tensors.find((other) => other.name === name)!;
  const bytes = Uint8Array.from(readFileSync(path).subarray(tensor.position, tensor.position + tensor.bytes));
  if (tensor.type === 'F32') return new Float32Array(bytes.buffer);
  const found = new Float32Array(bytes.length / 2);
  float16ToFloat32(new Uint16Array(bytes.buffer), found);
  return found;
}

it('adds scale * B A to each matrix, of several adapters to the same base', async () => {
  await writeTinyAdapter(adapter);
  const second = join(folder, 'second');
  await writeTinyAdapter(second, { seed: 2, rank: 2, rankStabilized: true });
  await convertToGguf(base, { type: 'f16', out });
  const expected = Array.from(await values(out, 'blk.1.ffn_down.weight'));
  for (const [place, scale] of [
    [adapter, 8 / 4],
    [second, 8 / Math.SQRT2],
  ] as const) {
    const apart = join(folder, 'apart.gguf');
    await convertAdapterToGguf(place, { base, out: apart });
    const a = await values(apart, 'blk.1.ffn_down.weight.lora_a');
    const b = await values(apart, 'blk.1.ffn_down.weight.lora_b');
    const rank = a.length / 128;
    for (let row = 0; row < 64; row++) {
      for (let column = 0; column < 128; column++) {
        for (let k = 0; k < rank; k++)
          expected[row * 128 + column] += scale * b[row * rank + k] * a[k * 128 + column];
      }
    }
  }
  await convertToGguf(base, { type: 'f16', out, adapters: [adapter, second] });
  const found = await values(out, 'blk.1.ffn_down.weight');
  expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i])))).toBeLessThan(1e-3);
});

it('keeps an adapter apart by the keys and names that llama.cpp looks for', async () => {
  await writeTinyAdapter(adapter, { rank: 16, alpha: 8, rankStabilized: true });
  const written = await convertAdapterToGguf(adapter, { base, out });
  const { metadata, tensors } = await readGguf(out);
  // llama.cpp divides alpha by the rank.
  expect(metadataNumber(metadata, 'adapter.lora.alpha')! / 16).toBeCloseTo(8 / Math.sqrt(16), 6);
  expect(tensors.slice(0, 2).map(({ name, dimensions, type }) => `${name} ${type} ${dimensions}`)).toEqual([
    'blk.0.attn_q.weight.lora_a F32 64,16',
    'blk.0.attn_q.weight.lora_b F32 16,64',
  ]);
  expect(written).toMatchObject({ type: 'f32', tensors: 28 });
});

it('takes the ranks that single modules have', async () => {
  await writeTinyAdapter(adapter, { rank: 4, config: { r: 8, rank_pattern: { '.*': 4 } } });
  await convertToGguf(base, { type: 'f16', out, adapters: [adapter] });
  const merged = await values(out, 'blk.0.attn_q.weight');
  await writeTinyAdapter(adapter, { rank: 4 });
  await convertToGguf(base, { type: 'f16', out, adapters: [adapter] });
  expect(merged).toEqual(await values(out, 'blk.0.attn_q.weight'));
});

describe('refuses', () => {
  it.each([
    ['another kind of adapter', { peft_type: 'IA3' }, 'UNSUPPORTED', /IA3/],
    ['DoRA', { use_dora: true }, 'UNSUPPORTED', /use_dora/],
    [
      'a start that changes the base',
      { init_lora_weights: 'pissa_niter_4' },
      'UNSUPPORTED',
      /pissa_niter_4.*changes the base/,
    ],
    ['an adapter that begins at a token', { alora_invocation_tokens: [1] }, 'UNSUPPORTED', /alora/],
    ['trained biases', { bias: 'all' }, 'UNSUPPORTED', /bias/],
    ['an alpha for each module', { alpha_pattern: { q_proj: 2 } }, 'UNSUPPORTED', /alpha_pattern/],
    ['modules saved whole', { modules_to_save: ['lm_head'] }, 'UNSUPPORTED', /modules_to_save/],
    ['a rank that is none', { r: 0 }, 'CORRUPT_FILE', /r is no whole number/],
    ['an alpha that is none', { lora_alpha: '16' }, 'CORRUPT_FILE', /lora_alpha/],
    [
      'a rank that the matrices do not have',
      { r: 8 },
      'CORRUPT_FILE',
      /lora_A.weight has the shape \[4,64\], not \[8,64\]/,
    ],
  ] as const)('%s', async (_, config, code, message) => {
    await writeTinyAdapter(adapter, { config });
    const converting = convertToGguf(base, { type: 'f16', out, adapters: [adapter] });
    await expect(converting).rejects.toMatchObject({ code });
    await expect(converting).rejects.toThrow(message);
  });

  const prefix = 'base_model.model.model.layers.0.self_attn.q_proj';

  it.each([
    [
      'half of a pair',
      (name: string) => name !== `${prefix}.lora_B.weight`,
      [],
      'CORRUPT_FILE',
      /q_proj.lora_B.weight is missing/,
    ],
    [
      'an adapter of a deeper model',
      () => true,
      ['base_model.model.model.layers.7.self_attn.q_proj.lora_A.weight'],
      'UNSUPPORTED',
      /layers\.7/,
    ],
    [
      'a changed output of tied embeddings',
      () => true,
      ['base_model.model.lm_head.lora_A.weight'],
      'UNSUPPORTED',
      /lm_head/,
    ],
    [
      'a changed embedding',
      () => true,
      ['base_model.model.model.embed_tokens.lora_embedding_A'],
      'UNSUPPORTED',
      /lora_embedding_A/,
    ],
    ['no pair at all', () => false, [], 'CORRUPT_FILE', /holds no tensors/],
  ] as const)('%s', async (_, kept, added, code, message) => {
    await writeTinyAdapter(adapter);
    const tensors = (await adapterTensors()).filter(({ name }) => kept(name));
    const more = added.map((name) => ({
      name,
      dtype: 'F32' as const,
      shape: [1],
      data: new Float32Array(1),
    }));
    await writeSafetensors(join(adapter, 'adapter_model.safetensors'), [...tensors, ...more]);
    const converting = convertAdapterToGguf(adapter, { base, out });
    await expect(converting).rejects.toMatchObject({ code });
    await expect(converting).rejects.toThrow(message);
  });

  it('a folder without configuration or matrices, naming the file', async () => {
    await writeTinyAdapter(adapter);
    rmSync(join(adapter, 'adapter_model.safetensors'));
    const converting = (): Promise<unknown> => convertAdapterToGguf(adapter, { base, out });
    await expect(converting()).rejects.toThrow(/adapter_model.safetensors: no such file/);
    writeFileSync(join(adapter, 'adapter_config.json'), '[]');
    await expect(converting()).rejects.toMatchObject({ code: 'CORRUPT_FILE' });
    rmSync(join(adapter, 'adapter_config.json'));
    await expect(converting()).rejects.toThrow(/adapter_config.json: no such file/);
  });

  it('to keep several ranks apart with rank-stabilised scaling', async () => {
    await writeTinyAdapter(adapter, { rankStabilized: true, config: { rank_pattern: { q_proj: 2 } } });
    const tensors = await adapterTensors();
    const narrowed = tensors.map((tensor): NewTensor => {
      if (!tensor.name.startsWith(prefix)) return tensor;
      const shape = tensor.name.includes('lora_A') ? [2, 64] : [64, 2];
      return { ...tensor, shape, data: new Float32Array(128) };
    });
    await writeSafetensors(join(adapter, 'adapter_model.safetensors'), narrowed);
    await expect(convertAdapterToGguf(adapter, { base, out })).rejects.toThrow(/Merge it into the base/);
    await expect(convertToGguf(base, { type: 'f16', out, adapters: [adapter] })).resolves.toMatchObject({
      tensors: 26,
    });
  });
});
