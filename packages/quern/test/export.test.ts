import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { readGguf } from '../src/models/gguf/gguf-reader.ts';
import { parseQwen2Config } from '../src/models/checkpoint/qwen2-config.ts';
import { qwen2Tensors } from '../src/models/checkpoint/qwen2-tensors.ts';
import { withLlamaModel } from './llama-model.ts';
import { quern, quernJson, startQuern } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { writeTinyAdapter } from './tiny-adapter.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const folder = temporaryFolder();
const checkpoint = join(folder, 'checkpoint');
const adapter = join(folder, 'adapter');
const out = join(folder, 'model.gguf');

beforeAll(async () => {
  await writeTinyCheckpoint(checkpoint);
  await writeTinyAdapter(adapter);
});

interface Exported {
  readonly type: string;
  readonly bytes: number;
  readonly tensors: number;
  readonly parameters: number;
}

it('exports to q8_0 unless told otherwise, and says what it wrote', async () => {
  const { code, stdout, stderr } = await quern(['export', checkpoint, '--out', out]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/model\.gguf: q8_0, 109 kB, 26 tensors, 0\.1 million weights, in \d+ ms\n$/);
  expect((await readGguf(out)).tensors[0].type).toBe('Q8_0');
});

it('exports to each type what llama.cpp loads, as one JSON document', async () => {
  for (const type of ['f16', 'q8_0', 'q4_0']) {
    const exported = await quernJson<Exported>(['export', checkpoint, '--gguf', type, '--out', out]);
    expect(exported).toMatchObject({ checkpoint, out, type, lora: [], tensors: 26, parameters: 93_504 });
    expect(exported.bytes).toBe(readFileSync(out).length);
    expect(await withLlamaModel(out, (model) => model.tokens.eosString)).toBe('<|im_end|>');
  }
});

it('merges adapters, and keeps one apart', async () => {
  const args = ['export', checkpoint, '--lora', adapter, '--out', out];
  const merged = await quernJson<Exported>([...args, '--lora', adapter, '--gguf', 'f16']);
  expect(merged).toMatchObject({ lora: [adapter, adapter], tensors: 26 });
  expect(await quernJson<Exported>([...args, '--keep-apart'])).toMatchObject({ type: 'f32', tensors: 28 });
});

it.each([
  ['no --out', ['export', checkpoint], /--out/],
  ['an unknown type', ['export', checkpoint, '--out', out, '--gguf', 'q5_k'], /q5_k/],
  [
    '--keep-apart without an adapter',
    ['export', checkpoint, '--out', out, '--keep-apart'],
    /writes one adapter/,
  ],
  [
    '--keep-apart with a type',
    ['export', checkpoint, '--out', out, '--keep-apart', '--lora', adapter, '--gguf', 'f16'],
    /32 bits/,
  ],
])('calls %s a wrong use', async (_, args, message) => {
  const { code, stdout, stderr } = await quern(args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(message);
});

it('names what is missing, and replaces nothing but GGUF files', async () => {
  const missing = await quern(['export', join(folder, 'none'), '--out', out]);
  expect(missing.code).toBe(1);
  expect(missing.stderr).toMatch(/none: no such model file or checkpoint folder\. Give/);
  const notes = join(folder, 'notes.txt');
  writeFileSync(notes, 'mine');
  const refused = await quern(['export', checkpoint, '--out', notes]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/notes\.txt: is there already, and is no GGUF file/);
  expect(readFileSync(notes, 'utf8')).toBe('mine');
});

/** A checkpoint whose layers have as many intermediate values, all weights zero, which takes no room on the disk. */
async function writeZeroCheckpoint(place: string, intermediate: number): Promise<void> {
  await writeTinyCheckpoint(place);
  const configPath = join(place, 'config.json');
  const tiny = JSON.parse(readFileSync(configPath, 'utf8')) as Record<string, unknown>;
  const config = { ...tiny, intermediate_size: intermediate };
  writeFileSync(configPath, JSON.stringify(config));
  let end = 0;
  const described = qwen2Tensors(parseQwen2Config(config, 'config.json')).map(({ name, shape }) => {
    const start = end;
    end += 2 * shape.reduce((a, b) => a * b, 1);
    return [name, { dtype: 'BF16', shape, data_offsets: [start, end] }] as const;
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(described)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const path = join(place, 'model.safetensors');
  writeFileSync(path, Buffer.concat([length, header]));
  truncateSync(path, 8 + header.length + end);
}

it('leaves nothing under the final name when it is killed, and clears what it left on the next run', async () => {
  const large = join(folder, 'large');
  await writeZeroCheckpoint(large, 500_000);
  const killed = join(folder, 'killed.gguf');
  const leftovers = (): string[] => readdirSync(folder).filter((name) => name.startsWith('.killed.gguf.'));
  const child = startQuern(['export', large, '--gguf', 'f16', '--out', killed]);
  const closed = once(child, 'close');
  while (leftovers().length === 0 && child.exitCode === null) await pause(1);
  child.kill('SIGKILL');
  await closed;
  expect(existsSync(killed)).toBe(false);
  expect(leftovers()).toHaveLength(1);
  expect((await quern(['export', checkpoint, '--out', killed])).code).toBe(0);
  expect(leftovers()).toEqual([]);
  expect((await readGguf(killed)).tensors).toHaveLength(26);
});
