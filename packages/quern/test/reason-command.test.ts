import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { cp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { convertToGguf } from '../src/models/convert.ts';
import { quern, quernJson } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const folder = temporaryFolder();
const checkpoint = join(folder, 'checkpoint');
const model = join(folder, 'model.gguf');
const index = join(folder, 'notes.index');
const configuration = join(folder, 'quern.yaml');
const env = { QUERN_CACHE: join(folder, 'cache'), QUERN_CONFIG: configuration };
const collection = resolve(import.meta.dirname, '../../../examples/collection');

interface Reasoned {
  readonly text: string;
  readonly finish: string;
  readonly completionTokens: number;
  readonly tokensPerSecond?: number;
  readonly milliseconds: number;
  readonly cached: boolean;
  readonly seed: number;
  readonly failure?: { readonly code: string };
}

beforeAll(async () => {
  await writeTinyCheckpoint(checkpoint);
  await convertToGguf(checkpoint, { type: 'f16', out: model });
  // Threads of llama.cpp wait for each other by spinning, which takes for ever where other tests use the cores too.
  const reasoners = Object.fromEntries([checkpoint, model].map((path) => [`llama:${path}`, { threads: 1 }]));
  writeFileSync(configuration, JSON.stringify({ reasoners }));
  await quernJson(['index', collection, '--out', index], { env });
});

describe('quern reason', () => {
  const question = ['reason', 'why do cats purr', '--reasoner', `llama:${checkpoint}`, '--max-tokens', '30'];

  it('prints how a reasoned query came to be, the same each time, from the cache the second time', async () => {
    const first = await quernJson<Reasoned>(question, { env });
    expect(first).toMatchObject({ finish: expect.stringMatching(/^(stop|length)$/), cached: false });
    expect(first.completionTokens).toBeGreaterThan(1);
    expect(first.tokensPerSecond).toBeGreaterThan(0);
    expect(first.milliseconds).toBeGreaterThan(0);
    const second = await quernJson<Reasoned>(question, { env });
    expect(second).toMatchObject({ text: first.text, finish: first.finish, seed: first.seed, cached: true });
    const anew = await quernJson<Reasoned>([...question, '--no-cache'], { env });
    expect(anew).toMatchObject({ text: first.text, cached: false });
    const other = await quernJson<Reasoned>([...question, '--seed', '7'], { env });
    expect(other.text).not.toBe(first.text);
    const refreshed = await quernJson<Reasoned>([...question, '--refresh'], { env });
    expect(refreshed).toMatchObject({ text: first.text, cached: false });
  });

  it('has several samples, each with a seed of its own', async () => {
    const args = [...question, '--samples', '3', '--parallel', '2'];
    const { samples } = await quernJson<{ samples: Reasoned[] }>(args, { env });
    expect(new Set(samples.map(({ seed }) => seed)).size).toBe(3);
    const { stdout } = await quern(args, { env });
    const printed = samples.map(({ text }, i) => `--- sample ${i + 1} ---\n${text}\n`);
    expect(stdout).toBe(printed.join(''));
  });

  it('prints a text as it is where no terminal reads it', async () => {
    const recorded = join(folder, 'steering.json');
    const text = 'one\u001b[31m\r\ntwo\u202e';
    writeFileSync(recorded, JSON.stringify({ why: text }));
    const { stdout } = await quern(['reason', 'why', '--reasoner', `file:${recorded}`], { env });
    expect(stdout).toBe(`${text}\n`);
  });

  it('exits with 1 where the reasoner fails, and has the reason in its JSON', async () => {
    const args = [...question.slice(0, 2), '--reasoner', `llama:${model}`, '--deadline', '1ms', '--json'];
    const { code, stdout, stderr } = await quern(args, { env });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ finish: 'failed', text: '', failure: { code: 'TIMEOUT' } });
    expect(stderr).toContain('no reasoned query within 1 ms');
  });

  it.each([
    [[], 'give a question, or a file of them with --batch'],
    [['why', '--batch', 'queries.jsonl', '--out', 'out.jsonl'], 'give a question or --batch, not both'],
    [['--batch', 'queries.jsonl'], '--batch needs --out'],
    [['why', '--out', 'out.jsonl'], '--out needs --batch'],
    [[' '], 'the question is empty'],
    [['why', '--deadline', 'soon'], 'duration'],
    [['why', '--seed', '1.5'], 'whole number'],
    [['why', '--max-tokens', '0'], 'whole number'],
  ])('is used wrongly with %j', async (args, said) => {
    const { code, stderr } = await quern(['reason', '--reasoner', 'none', ...args], { env, cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });
});

describe('quern search', () => {
  const search = ['search', index, 'my grey mushrooms will not brown'];

  it('returns the plain ranking after a deadline, and says why', async () => {
    const plain = await quernJson<{ hits: unknown[] }>(search, { env });
    const late = [...search, '--reasoner', `llama:${model}`, '--deadline', '1ms'];
    const found = await quernJson<{ hits: unknown[]; reasoned: Reasoned }>(late, { env });
    expect(found.hits).toEqual(plain.hits);
    expect(found.reasoned).toMatchObject({ finish: 'failed', failure: { code: 'TIMEOUT' } });
    const { code, stderr } = await quern(late, { env });
    expect(code).toBe(0);
    expect(stderr).toMatch(/the question was searched as it is: .*failed: no reasoned query within 1 ms/);
    const strict = await quern([...late, '--strict'], { env });
    expect(strict).toMatchObject({ code: 1, stdout: '' });
  });

  it('shows what the model wrote and what it took', async () => {
    const explained = [...search, '--reasoner', `llama:${model}`, '--max-tokens', '20', '--explain'];
    const { code, stdout } = await quern(explained, { env });
    expect(code).toBe(0);
    expect(stdout).toMatch(/reasoner {3}llama:.*tokens \([\d.]+ a second\)/);
  });

  it('goes on without a server that is not there, unless it is strict', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((listening) => server.on('listening', listening));
    const { port } = server.address() as AddressInfo;
    await new Promise((closed) => server.close(closed));
    const remoteConfig = join(folder, 'remote.yaml');
    const name = `openai:model@http://127.0.0.1:${port}/v1`;
    writeFileSync(remoteConfig, JSON.stringify({ reasoners: { [name]: { retries: 0 } } }));
    const remote = [...search, '--reasoner', name, '--config', remoteConfig];
    const { code, stdout, stderr } = await quern(remote, { env });
    expect(code).toBe(0);
    expect(stdout).toContain('1  ');
    expect(stderr).toContain('the question was searched as it is');
    expect((await quern([...remote, '--strict'], { env })).code).toBe(1);
  });
});

describe('quern eval', () => {
  it('counts the topics that a reasoner failed for, which are searched as they are', async () => {
    interface Evaluated {
      readonly measures: Record<string, number>;
      readonly reasoning: {
        readonly failed: number;
        readonly completionTokens: number;
        readonly cut: number;
      };
    }
    const evaluation = ['eval', `beir:${collection}`];
    const plain = await quernJson<Evaluated>(evaluation, { env });
    const truncated = join(folder, 'truncated.gguf');
    writeFileSync(truncated, readFileSync(model).subarray(0, 50_000));
    const failing = [...evaluation, '--reasoner', `llama:${truncated}`];
    const failed = await quernJson<Evaluated>(failing, { env });
    expect(failed.measures).toEqual(plain.measures);
    expect(failed.reasoning.failed).toBe(30);
    const { stderr } = await quern(failing, { env });
    expect(stderr).toContain('the reasoner failed for 30 of 30 topics');
    expect((await quern([...failing, '--strict'], { env })).code).toBe(1);
  });

  it('asks a model, several topics at once, and says what that took', async () => {
    const args = [
      'eval',
      `beir:${collection}`,
      '--reasoner',
      `llama:${model}`,
      '--max-tokens',
      '5',
      '--parallel',
      '4',
    ];
    const { reasoning } = await quernJson<{ reasoning: Record<string, number> }>(args, { env });
    expect(reasoning['failed']).toBe(0);
    expect(reasoning['completionTokens']).toBeGreaterThan(30);
  });
});

/** The path of a model that the last tests break. */
function broken(name: string): string {
  return join(folder, 'broken', name);
}

describe('a model that cannot be used is told by one clear error', () => {
  beforeAll(async () => {
    for (const name of ['shard', 'config', 'tokenizer', 'architecture', 'offsets'])
      await cp(checkpoint, broken(name), { recursive: true });
    writeFileSync(broken('garbage.gguf'), 'not a model at all, but a text of some length\n'.repeat(50));
    writeFileSync(broken('short.gguf'), readFileSync(model));
    truncateSync(broken('short.gguf'), Math.floor(readFileSync(model).length / 2));
    truncateSync(join(broken('shard'), 'model.safetensors'), 1000);
    await rm(join(broken('config'), 'config.json'));
    await rm(join(broken('tokenizer'), 'tokenizer.json'));
    const config = JSON.parse(readFileSync(join(checkpoint, 'config.json'), 'utf8')) as object;
    const other = { ...config, architectures: ['MambaForCausalLM'], model_type: 'mamba' };
    writeFileSync(join(broken('architecture'), 'config.json'), JSON.stringify(other));
    const weights = readFileSync(join(checkpoint, 'model.safetensors'));
    weights.writeBigUInt64LE(2n ** 63n, 0);
    writeFileSync(join(broken('offsets'), 'model.safetensors'), weights);
  });

  it.each([
    ['garbage.gguf', 'GGUF'],
    ['short.gguf', 'short.gguf'],
    ['shard', 'model.safetensors'],
    ['config', 'config.json'],
    ['tokenizer', 'tokenizer'],
    ['architecture', 'MambaForCausalLM'],
    ['offsets', 'model.safetensors'],
    ['absent.gguf', 'no such model'],
  ])('%s', async (name, said) => {
    const { code, stdout, stderr } = await quern(['reason', 'why', '--reasoner', `llama:${broken(name)}`], {
      env: { QUERN_CACHE: env.QUERN_CACHE },
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(said);
    expect(stderr.trimEnd().split('\n').length).toBe(1);
    expect(stderr).not.toContain('unexpected');
  });

  it('a hub that is not asked when offline', async () => {
    const offline = { ...env, HF_HUB_OFFLINE: '1', HF_HUB_CACHE: join(folder, 'hub') };
    const { code, stderr } = await quern(['reason', 'why', '--reasoner', 'llama:owner/model'], {
      env: offline,
    });
    expect(code).toBe(1);
    expect(stderr).toContain('HF_HUB_OFFLINE');
  });
});
