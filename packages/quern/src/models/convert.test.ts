import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { writeTinyCheckpoint, type TinyCheckpointOptions } from '../../test/tiny-checkpoint.ts';
import { Checkpoint } from './checkpoint/checkpoint.ts';
import { convertToGguf } from './convert.ts';
import { bfloat16ToFloat32, float16ToFloat32 } from './gguf/float-formats.ts';
import type { GgufValue } from './gguf/gguf-format.ts';
import { readGguf, type GgufInfo } from './gguf/gguf-reader.ts';
import { q4_0, q8_0 } from './gguf/quantization.ts';
import { SafetensorsFile, writeSafetensors } from './checkpoint/safetensors.ts';

const folder = temporaryFolder();
let count = 0;

async function tiny(options: TinyCheckpointOptions = {}): Promise<string> {
  const checkpoint = join(folder, `checkpoint-${count++}`);
  await writeTinyCheckpoint(checkpoint, options);
  return checkpoint;
}

const out = join(folder, 'out.gguf');

function dataOf(info: GgufInfo, name: string): Uint8Array<ArrayBuffer> {
  const tensor = info.tensors.find((other) => other.name === name)!;
  return Uint8Array.from(readFileSync(out).subarray(tensor.position, tensor.position + tensor.bytes));
}

/** The items of a list in the metadata. */
function listed(info: GgufInfo, key: string): readonly unknown[] {
  const value = info.metadata.get(key);
  return value?.type === 'array' ? value.items : [];
}

/** The values of a tensor of a checkpoint in BF16. */
async function sourceValues(checkpoint: string, name: string): Promise<Float32Array> {
  const file = await SafetensorsFile.open(join(checkpoint, 'model.safetensors'));
  const tensor = file.tensors.get(name)!;
  const bytes = new Uint8Array(tensor.bytes);
  await file.read(tensor, 0, bytes);
  await file.close();
  const values = new Float32Array(tensor.bytes / 2);
  bfloat16ToFloat32(new Uint16Array(bytes.buffer), values);
  return values;
}

it('writes every tensor under its name, turned round, vectors in F32 and matrices in the type asked for', async () => {
  const written = await convertToGguf(await tiny({ tied: false, layers: 1 }), { type: 'q4_0', out });
  const info = await readGguf(out);
  expect(info.tensors.map(({ name, dimensions, type }) => `${name} ${type} ${dimensions}`)).toEqual([
    'token_embd.weight Q8_0 64,300',
    'blk.0.attn_norm.weight F32 64',
    'blk.0.attn_q.weight Q4_0 64,64',
    'blk.0.attn_q.bias F32 64',
    'blk.0.attn_k.weight Q4_0 64,32',
    'blk.0.attn_k.bias F32 32',
    'blk.0.attn_v.weight Q4_0 64,32',
    'blk.0.attn_v.bias F32 32',
    'blk.0.attn_output.weight Q4_0 64,64',
    'blk.0.ffn_norm.weight F32 64',
    'blk.0.ffn_gate.weight Q4_0 64,128',
    'blk.0.ffn_up.weight Q4_0 64,128',
    'blk.0.ffn_down.weight Q4_0 128,64',
    'output_norm.weight F32 64',
    'output.weight Q8_0 64,300',
  ]);
  expect(written).toMatchObject({ type: 'q4_0', tensors: 15, bytes: info.bytes });
});

it('writes the metadata that llama.cpp looks for', async () => {
  const scaling = { type: 'yarn', factor: 4, original_max_position_embeddings: 8192, beta_fast: 32 };
  const checkpoint = await tiny({ config: { rope_scaling: scaling }, padding: 2 });
  await convertToGguf(checkpoint, { type: 'q8_0', out });
  const info = await readGguf(out, { lists: true });
  const scalars = [...info.metadata].filter(
    (entry): entry is [string, Exclude<GgufValue, { type: 'array' }>] => {
      return entry[1].type !== 'array' && entry[0] !== 'tokenizer.chat_template';
    },
  );
  expect(Object.fromEntries(scalars.map(([key, { type, value }]) => [key, [type, value]]))).toEqual({
    'general.architecture': ['string', 'qwen2'],
    'general.type': ['string', 'model'],
    'general.file_type': ['uint32', 7],
    'general.quantization_version': ['uint32', 2],
    'qwen2.block_count': ['uint32', 2],
    'qwen2.context_length': ['uint32', 32_768],
    'qwen2.embedding_length': ['uint32', 64],
    'qwen2.feed_forward_length': ['uint32', 128],
    'qwen2.attention.head_count': ['uint32', 4],
    'qwen2.attention.head_count_kv': ['uint32', 2],
    'qwen2.rope.freq_base': ['float32', 1e6],
    'qwen2.attention.layer_norm_rms_epsilon': ['float32', Math.fround(1e-6)],
    'qwen2.vocab_size': ['uint32', 302],
    'qwen2.rope.scaling.type': ['string', 'yarn'],
    'qwen2.rope.scaling.factor': ['float32', 4],
    'qwen2.rope.scaling.original_context_length': ['uint32', 8192],
    'qwen2.rope.scaling.yarn_beta_fast': ['float32', 32],
    'tokenizer.ggml.model': ['string', 'gpt2'],
    'tokenizer.ggml.pre': ['string', 'qwen2'],
    'tokenizer.ggml.eos_token_id': ['uint32', 299],
    'tokenizer.ggml.bos_token_id': ['uint32', 297],
    'tokenizer.ggml.padding_token_id': ['uint32', 297],
    'tokenizer.ggml.add_bos_token': ['bool', false],
  });
  expect(listed(info, 'tokenizer.ggml.tokens').slice(-5)).toEqual([
    '<|endoftext|>',
    '<|im_start|>',
    '<|im_end|>',
    '[PAD300]',
    '[PAD301]',
  ]);
  expect(listed(info, 'tokenizer.ggml.token_type').slice(-6)).toEqual([1, 3, 3, 3, 5, 5]);
  expect(listed(info, 'tokenizer.ggml.merges')[0]).toBe('Ġ t');
});

it('tells of the ends of a generation that llama.cpp would not know by their texts', async () => {
  const checkpoint = await tiny({ config: { eos_token_id: [299, 297, 5, 7] } });
  await convertToGguf(checkpoint, { type: 'f16', out });
  const { metadata } = await readGguf(out);
  expect(metadata.get('tokenizer.ggml.eot_token_id')).toEqual({ type: 'uint32', value: 5 });
  expect(metadata.get('tokenizer.ggml.eom_token_id')).toEqual({ type: 'uint32', value: 7 });
  const more = await tiny({ config: { eos_token_id: [5, 6, 7] } });
  await expect(convertToGguf(more, { type: 'f16', out })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});

it('keeps the values: exactly in F32, within the error of the format in the others', async () => {
  const checkpoint = await tiny();
  const source = await sourceValues(checkpoint, 'model.layers.1.mlp.up_proj.weight');
  const largest = Math.max(...source.map((value) => Math.abs(value)));
  const found = async (type: 'f16' | 'q8_0' | 'q4_0'): Promise<Float32Array> => {
    await convertToGguf(checkpoint, { type, out });
    const info = await readGguf(out);
    const norm = new Float32Array(dataOf(info, 'output_norm.weight').buffer);
    expect(norm).toEqual(await sourceValues(checkpoint, 'model.norm.weight'));
    const data = dataOf(info, 'blk.1.ffn_up.weight');
    const values = new Float32Array(source.length);
    if (type === 'f16') float16ToFloat32(new Uint16Array(data.buffer), values);
    else (type === 'q8_0' ? q8_0 : q4_0).dequantize(data, values);
    return values;
  };
  const errors: number[] = [];
  for (const type of ['f16', 'q8_0', 'q4_0'] as const) {
    const values = await found(type);
    errors.push(Math.max(...values.map((value, i) => Math.abs(value - source[i]))));
  }
  // BF16 has fewer digits than F16, but reaches further down: half of the smallest step of F16 may be lost.
  expect(errors[0]).toBeLessThanOrEqual(2 ** -25);
  expect(errors[1]).toBeLessThan((largest / 127) * 0.57);
  expect(errors[2]).toBeLessThan((largest / 8) * 1.01);
  expect(errors).toEqual(errors.toSorted((x, y) => x - y));
});

it('writes the same bytes again, from shards or one file, in BF16 or F32', async () => {
  const bytes: Buffer[] = [];
  for (const shards of [1, 1, 5]) {
    await convertToGguf(await tiny({ shards }), { type: 'q8_0', out });
    bytes.push(readFileSync(out));
  }
  const single = await tiny();
  const wide = await tiny();
  const checkpoint = await Checkpoint.open(single);
  await checkpoint.close();
  const tensors = checkpoint.tensors.map(async ({ name, shape }) => {
    return { name, dtype: 'F32' as const, shape, data: await sourceValues(single, name) };
  });
  await writeSafetensors(join(wide, 'model.safetensors'), await Promise.all(tensors));
  await convertToGguf(wide, { type: 'q8_0', out });
  bytes.push(readFileSync(out));
  expect(bytes.map((other) => other.equals(bytes[0]))).toEqual([true, true, true, true]);
});

it('writes rows that are no whole blocks in F16', async () => {
  await convertToGguf(await tiny({ hidden: 48, intermediate: 96 }), { type: 'q8_0', out });
  const types = (await readGguf(out)).tensors.map(({ name, type }) => `${name} ${type}`);
  expect(types).toContain('blk.0.attn_q.weight F16');
  expect(types).toContain('blk.0.ffn_down.weight Q8_0');
});

it('tells how far it is, in bytes of the source', async () => {
  const told: number[] = [];
  let stopped = 0;
  const written = await convertToGguf(await tiny(), {
    type: 'f16',
    out,
    onWork: (what, total) => {
      told.push(total);
      expect(what).toBe('converting to f16');
      return { update: (done) => told.push(done), stop: () => stopped++ };
    },
  });
  expect(told[0]).toBe(written.sourceBytes);
  expect(told.at(-1)).toBe(written.sourceBytes);
  expect(told.slice(1)).toEqual(told.slice(1).toSorted((a, b) => a - b));
  expect(stopped).toBe(1);
});

it('leaves nothing when it is stopped half way, and an older file as it was', async () => {
  const checkpoint = await tiny();
  for (const older of [false, true]) {
    const path = join(folder, older ? 'out.gguf' : 'new.gguf');
    const before = existsSync(path) && readFileSync(path);
    const controller = new AbortController();
    const onWork = (): { update(done: number): void; stop(): void } => ({
      update: () => controller.abort(),
      stop: () => undefined,
    });
    const converting = convertToGguf(checkpoint, {
      type: 'f16',
      out: path,
      signal: controller.signal,
      onWork,
    });
    await expect(converting).rejects.toMatchObject({ code: 'ABORTED' });
    expect(existsSync(path) && readFileSync(path)).toEqual(before);
  }
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

it('replaces no file that is not a GGUF file', async () => {
  const checkpoint = await tiny();
  const notes = join(folder, 'notes.txt');
  for (const text of ['my notes', '', 'GGU']) {
    writeFileSync(notes, text);
    await expect(convertToGguf(checkpoint, { type: 'f16', out: notes })).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      where: notes,
    });
    expect(readFileSync(notes, 'utf8')).toBe(text);
  }
  await expect(convertToGguf(checkpoint, { type: 'f16', out: checkpoint })).rejects.toMatchObject({
    code: 'ALREADY_EXISTS',
  });
});

it.each([
  ['f16', NaN, 'CORRUPT_FILE', /infinite or no number/],
  ['q8_0', Infinity, 'CORRUPT_FILE', /infinite or no number/],
  ['q4_0', NaN, 'CORRUPT_FILE', /infinite or no number/],
  ['f16', 70_000, 'UNSUPPORTED', /too large for F16. Take q8_0/],
  ['q8_0', 3e38, 'UNSUPPORTED', /too large for Q8_0/],
  ['q8_0', 70_000, undefined, /^$/],
] as const)('as %s meets a weight of %d with %s', async (type, value, code, message) => {
  for (const dtype of ['BF16', 'F32'] as const) {
    const checkpoint = await tiny({ dtype });
    const path = join(checkpoint, 'model.safetensors');
    const bytes = readFileSync(path);
    const file = await SafetensorsFile.open(path);
    const { position } = file.tensors.get('model.layers.1.mlp.down_proj.weight')!;
    await file.close();
    if (dtype === 'F32') bytes.writeFloatLE(value, position + 400);
    else bytes.writeUInt16LE(new Uint32Array(new Float32Array([value]).buffer)[0] >>> 16, position + 400);
    writeFileSync(path, bytes);
    const ended = await convertToGguf(checkpoint, { type, out }).then(
      () => ({ code: undefined, message: '' }),
      (error: unknown) => error,
    );
    expect(ended).toMatchObject({ code });
    expect((ended as Error).message).toMatch(message);
  }
});

it('refuses a tokenizer with more tokens than the model has embeddings', async () => {
  const checkpoint = await tiny({ padding: -3 });
  await expect(convertToGguf(checkpoint, { type: 'f16', out })).rejects.toThrow(/ids up to 299.*only 297/);
});
