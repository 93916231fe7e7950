import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { writeTinyCheckpoint } from '../../../test/tiny-checkpoint.ts';
import { QuernError } from '../../errors.ts';
import { Checkpoint } from './checkpoint.ts';
import { writeSafetensors } from './safetensors.ts';

const folder = join(temporaryFolder(), 'checkpoint');

async function opened(): Promise<Checkpoint> {
  const checkpoint = await Checkpoint.open(folder);
  await checkpoint.close();
  return checkpoint;
}

function file(name: string): string {
  return join(folder, name);
}

/** Changes fields of a JSON file of the checkpoint. */
function edit(name: string, fields: Readonly<Record<string, unknown>>): void {
  const json = JSON.parse(readFileSync(file(name), 'utf8')) as Record<string, unknown>;
  writeFileSync(file(name), JSON.stringify({ ...json, ...fields }));
}

beforeEach(() => rmSync(folder, { recursive: true, force: true }));

it('finds every tensor of the model, in one file or in shards', async () => {
  await writeTinyCheckpoint(folder);
  const { tensors } = await opened();
  expect(tensors).toHaveLength(1 + 2 * 12 + 1);
  expect(tensors[0]).toMatchObject({
    name: 'model.embed_tokens.weight',
    ggufName: 'token_embd.weight',
    shape: [300, 64],
  });
  await writeTinyCheckpoint(join(folder, 'shards'), { shards: 4, tied: false });
  const sharded = await Checkpoint.open(join(folder, 'shards'));
  await sharded.close();
  expect(sharded.tensors.at(-1)).toMatchObject({ name: 'lm_head.weight', ggufName: 'output.weight' });
  expect(new Set(sharded.tensors.map(({ weight }) => weight.path)).size).toBe(4);
});

it("reads a hub cache's folder, whose files are links", async () => {
  await writeTinyCheckpoint(folder);
  renameSync(file('model.safetensors'), file('blob'));
  symlinkSync('blob', file('model.safetensors'));
  expect((await opened()).tensors).toHaveLength(26);
});

it("lists the ends of generation_config.json first, then the configuration's", async () => {
  await writeTinyCheckpoint(folder);
  edit('config.json', { eos_token_id: 5 });
  expect((await opened()).endTokens).toEqual([299, 297, 5]);
  rmSync(file('generation_config.json'));
  expect((await opened()).endTokens).toEqual([5]);
});

it('reads the rotation of old and new configurations', async () => {
  const yarn = { factor: 4, original_max_position_embeddings: 32 };
  await writeTinyCheckpoint(folder, { config: { rope_scaling: { type: 'yarn', ...yarn } } });
  const expected = { ropeBase: 1e6, ropeScaling: { type: 'yarn', factor: 4, originalPositions: 32 } };
  expect((await opened()).config).toMatchObject(expected);
  edit('config.json', {
    rope_scaling: undefined,
    rope_theta: undefined,
    rope_parameters: { rope_type: 'yarn', rope_theta: 1e6, ...yarn },
  });
  expect((await opened()).config).toMatchObject(expected);
  edit('config.json', { rope_parameters: { rope_type: 'default', rope_theta: 5000 } });
  expect((await opened()).config).toMatchObject({ ropeBase: 5000, ropeScaling: undefined });
});

it('ignores an output matrix beside tied embeddings, as transformers does', async () => {
  await writeTinyCheckpoint(folder, { tied: false });
  edit('config.json', { tie_word_embeddings: true });
  expect((await opened()).tensors.map(({ name }) => name)).not.toContain('lm_head.weight');
});

describe('refuses', () => {
  it.each([
    ['another architecture', { architectures: ['LlamaForCausalLM'] }, 'UNSUPPORTED', /LlamaForCausalLM/],
    ['no architecture', { architectures: null, model_type: null }, 'UNSUPPORTED', /architecture none/],
    ['quantised weights', { quantization_config: { bits: 4 } }, 'UNSUPPORTED', /quantised/],
    ['a sliding window', { use_sliding_window: true }, 'UNSUPPORTED', /use_sliding_window/],
    ['another activation', { hidden_act: 'gelu' }, 'UNSUPPORTED', /gelu/],
    ['heads of another size', { head_dim: 32 }, 'UNSUPPORTED', /head_dim/],
    ['dynamic rope scaling', { rope_scaling: { type: 'dynamic', factor: 2 } }, 'UNSUPPORTED', /dynamic/],
    [
      'yarn with a factor of its own',
      { rope_scaling: { type: 'yarn', factor: 2, attention_factor: 1 } },
      'UNSUPPORTED',
      /attention_factor/,
    ],
    [
      'yarn whose bounds are no whole pairs',
      { rope_scaling: { type: 'yarn', factor: 2, original_max_position_embeddings: 64, truncate: false } },
      'UNSUPPORTED',
      /truncate of the rope scaling/,
    ],
    [
      'a rotation of a part of a head',
      { rope_parameters: { rope_type: 'default', partial_rotary_factor: 0.5 } },
      'UNSUPPORTED',
      /partial_rotary_factor/,
    ],
    [
      'an activation that is no text',
      { hidden_act: { toString: 1 } },
      'CORRUPT_FILE',
      /hidden_act is no text/,
    ],
    ['an architecture that is no text', { architectures: [{ toString: 1 }] }, 'UNSUPPORTED', /toString/],
    ['a window that is a text', { use_sliding_window: 'true' }, 'CORRUPT_FILE', /use_sliding_window/],
    ['an encoder', { architectures: ['BertModel'], model_type: 'bert' }, 'UNSUPPORTED', /It is an encoder/],
    ['yarn without factor', { rope_scaling: { type: 'yarn' } }, 'CORRUPT_FILE', /factor/],
    ['a missing size', { hidden_size: undefined }, 'CORRUPT_FILE', /hidden_size is missing/],
    ['a size of 2^63', { num_hidden_layers: 2 ** 63 }, 'CORRUPT_FILE', /num_hidden_layers/],
    ['a million layers', { num_hidden_layers: 1e6 }, 'CORRUPT_FILE', /num_hidden_layers 1000000/],
    ['a rotation beyond 32 bits', { rope_theta: 1e39 }, 'CORRUPT_FILE', /rope_theta/],
    ['a fractional size', { vocab_size: 0.5 }, 'CORRUPT_FILE', /vocab_size/],
    ['a size that is a text', { hidden_size: '64' }, 'CORRUPT_FILE', /hidden_size/],
    ['heads that do not divide', { num_attention_heads: 5 }, 'CORRUPT_FILE', /5 heads/],
    [
      'key-value heads that do not divide',
      { num_key_value_heads: 3 },
      'CORRUPT_FILE',
      /num_key_value_heads 3/,
    ],
    [
      'more layers than there are tensors',
      { num_hidden_layers: 3 },
      'CORRUPT_FILE',
      /layers\.2\..* is missing/,
    ],
    [
      'tensors of other shapes',
      { intermediate_size: 64 },
      'CORRUPT_FILE',
      /gate_proj.weight has the shape \[128,64\], not \[64,64\]/,
    ],
    [
      'more tensors than the model has',
      { num_hidden_layers: 1 },
      'UNSUPPORTED',
      /layers\.1\..*which a Qwen2 model has not/,
    ],
    [
      'an output matrix that is missing',
      { tie_word_embeddings: false },
      'CORRUPT_FILE',
      /lm_head.weight is missing/,
    ],
    ['a negative end token', { eos_token_id: -1 }, 'CORRUPT_FILE', /eos_token_id/],
  ] as const)('%s', async (_, config, code, message) => {
    await writeTinyCheckpoint(folder);
    edit('config.json', config);
    await expect(opened()).rejects.toMatchObject({ code });
    await expect(opened()).rejects.toThrow(message);
  });

  it('a folder that is none, or has no configuration or weights, saying which', async () => {
    await expect(opened()).rejects.toMatchObject({ code: 'NOT_FOUND', where: folder });
    await writeTinyCheckpoint(folder, { shards: 3 });
    rmSync(file('model-00002-of-00003.safetensors'));
    await expect(opened()).rejects.toMatchObject({
      code: 'NOT_FOUND',
      where: file('model-00002-of-00003.safetensors'),
    });
    rmSync(file('model.safetensors.index.json'));
    await expect(opened()).rejects.toThrow(/has neither model.safetensors nor model.safetensors.index.json/);
    rmSync(file('config.json'));
    await expect(opened()).rejects.toMatchObject({ code: 'NOT_FOUND', where: file('config.json') });
    await expect(Checkpoint.open(file('generation_config.json'))).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
  });

  it.each([
    '../outside.safetensors',
    '/etc/passwd',
    'a/b.safetensors',
    '..',
    '',
    'x.bin',
    'a\0.safetensors',
    7,
    null,
  ])('an index that names the file %j', async (name) => {
    await writeTinyCheckpoint(folder, { shards: 2 });
    edit('model.safetensors.index.json', { weight_map: { 'model.norm.weight': name } });
    await expect(opened()).rejects.toMatchObject({ code: 'CORRUPT_FILE' });
    await expect(opened()).rejects.toThrow(/is not the name of a file in this folder/);
  });

  it('an index that names a file without the tensor', async () => {
    await writeTinyCheckpoint(folder, { shards: 2 });
    edit('model.safetensors.index.json', {
      weight_map: { 'model.norm.weight': 'model-00001-of-00002.safetensors' },
    });
    await expect(opened()).rejects.toThrow(/model.norm.weight is missing, which/);
  });

  it('weights of another type', async () => {
    await writeTinyCheckpoint(folder, { layers: 1, hidden: 2, heads: 1, keyValueHeads: 1, intermediate: 1 });
    const { tensors } = await opened();
    const integers = tensors.map(({ name, shape }) => ({
      name,
      dtype: 'I8' as const,
      shape,
      data: new Int8Array(shape.reduce((a, b) => a * b)),
    }));
    await writeSafetensors(file('model.safetensors'), integers);
    await expect(opened()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});

it('opens or gives a typed error, whatever a field of its JSON files holds', async () => {
  await writeTinyCheckpoint(folder, { shards: 2, layers: 1 });
  const files = ['config.json', 'generation_config.json', 'model.safetensors.index.json'].map((name) => {
    const text = readFileSync(file(name), 'utf8');
    return { name, text, fields: Object.keys(JSON.parse(text) as object) };
  });
  const change = fc.constantFrom(...files).chain(({ name, text, fields }) =>
    fc.record({
      name: fc.constant(name),
      text: fc.constant(text),
      field: fc.constantFrom(...fields),
      value: fc.jsonValue(),
    }),
  );
  await fc.assert(
    fc.asyncProperty(change, async ({ name, text, field, value }) => {
      edit(name, { [field]: value });
      const ended = await opened().catch((error: unknown) => error);
      writeFileSync(file(name), text);
      expect(ended instanceof Checkpoint || ended instanceof QuernError).toBe(true);
    }),
    { numRuns: 200 },
  );
});
