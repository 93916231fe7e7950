import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertToGguf } from '../src/models/convert.ts';
import { records } from './batch-reasoners.ts';
import { failing, FakeOpenAiServer, silent, streamed } from './fake-openai-server.ts';
import { finished, quern, quernJson, startQuern, type Finished } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const folder = temporaryFolder();
const model = join(folder, 'model.gguf');
const configuration = join(folder, 'quern.yaml');
const env = { QUERN_CACHE: join(folder, 'cache'), QUERN_CONFIG: configuration };

/** A file of questions, and their ids. */
function questions(name: string, count: number): { path: string; ids: string[] } {
  const path = join(folder, name);
  const ids = Array.from({ length: count }, (_, i) => `q${i}`);
  const lines = ids.map((id, i) => JSON.stringify({ _id: id, text: `why ${i} cats` }));
  writeFileSync(path, `${lines.join('\n')}\n`);
  return { path, ids };
}

/** How many calls the journal beside `out` holds. */
function journaled(out: string): number {
  return existsSync(`${out}.partial`) ? readFileSync(`${out}.partial`, 'utf8').split('\n').length - 2 : 0;
}

function namesOf(out: string): string[] {
  return readdirSync(folder).filter((name) => join(folder, name).startsWith(out));
}

describe('a batch of a model in this process', () => {
  const { path: queries, ids } = questions('queries.jsonl', 12);
  const batch = (out: string, ...more: string[]): string[] =>
    ['reason', '--batch', queries, '--out', join(folder, out), '--reasoner', `llama:${model}`].concat(more);

  beforeAll(async () => {
    const checkpoint = join(folder, 'checkpoint');
    await writeTinyCheckpoint(checkpoint);
    await convertToGguf(checkpoint, { type: 'f16', out: model });
    // Threads of llama.cpp wait for each other by spinning, which takes for ever where other tests use the cores too.
    writeFileSync(configuration, JSON.stringify({ reasoners: { [`llama:${model}`]: { threads: 1 } } }));
  });

  it('goes on after being killed, loses nothing, and shows nothing half-made under the final name', async () => {
    const out = join(folder, 'reasoned.jsonl');
    const settings = ['--max-tokens', '60', '--no-cache'];
    const args = batch('reasoned.jsonl', ...settings);
    let before = 0;
    for (const enough of [2, 6]) {
      const child = startQuern([...args, '--json'], { env });
      const ended = finished(child);
      while (journaled(out) < enough && child.exitCode === null) await wait(2);
      child.kill('SIGKILL');
      await ended;
      expect(existsSync(out)).toBe(false);
      expect(journaled(out)).toBeGreaterThanOrEqual(enough);
      before = journaled(out);
    }
    const other = await quern([...args, '--seed', '7'], { env });
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toContain('is what is left of another batch');
    const summary = await quernJson<{ queries: number; resumed: number }>(args, { env });
    expect(summary).toMatchObject({ queries: ids.length, resumed: before });
    const reasoned = records(out);
    expect(reasoned.map(({ id }) => id)).toEqual(ids);
    for (const { text } of reasoned) expect(text).not.toBe('');
    expect(namesOf(out)).toEqual(['reasoned.jsonl']);
    await quernJson(batch('once.jsonl', ...settings), { env });
    expect(records(join(folder, 'once.jsonl')).map(({ text }) => text)).toEqual(
      reasoned.map(({ text }) => text),
    );
  });

  it('can be evaluated with, as recorded reasoned queries', async () => {
    await quernJson(batch('recorded.jsonl', '--max-tokens', '5'), { env });
    const own = ['--reasoner', `llama:${model}`, '--max-tokens', '5'];
    const recorded = ['--reasoner', `file:${join(folder, 'recorded.jsonl')}`];
    const [one, other] = [recorded, own].map((reasoner) =>
      quernJson<{ text: string }>(['reason', 'why 3 cats', ...reasoner], { env }),
    );
    expect((await one).text).toBe((await other).text);
  });
});

describe('a batch of a model on a server', () => {
  const { path: queries, ids } = questions('served.jsonl', 5);
  const settings = join(folder, 'served.yaml');
  let server: FakeOpenAiServer;
  const batch = (out: string, ...more: string[]): string[] =>
    ['reason', '--batch', queries, '--out', out, '--reasoner', server.name(), '--config', settings].concat(
      '--parallel',
      '1',
      more,
    );

  beforeAll(async () => {
    server = await FakeOpenAiServer.start();
    const prices = { input: 1, output: 1 };
    writeFileSync(settings, JSON.stringify({ reasoners: { [server.name()]: { prices, retries: 0 } } }));
  });

  afterAll(() => server.stop());

  it('says why it failed for some, and asks again only for those', async () => {
    const out = join(folder, 'failed.jsonl');
    server.script.push(streamed(), streamed());
    server.reply = failing(400, { message: 'the question is too long' });
    const first = await quern(batch(out), { env });
    expect(first.code).toBe(1);
    expect(first.stdout).toMatch(/5 queries in \d+ ms, 14 tokens \(.*\), 3 FAILED, 0\.0001 USD\n$/);
    expect(first.stderr).toContain('the reasoner failed 3 of 5 times; the same command asks those again:\n');
    expect(first.stderr).toMatch(/^quern: {3}3 times: .*the question is too long/m);
    expect(records(out).map(({ finish }) => finish)).toEqual(['stop', 'stop', 'failed', 'failed', 'failed']);

    const recorded = await quern(['reason', 'why 4 cats', '--reasoner', `file:${out}`], { env });
    expect(recorded).toMatchObject({ code: 1, stdout: '' });
    expect(recorded.stderr).toContain('the question is too long');

    server.reply = streamed();
    const before = server.bodies.length;
    const second = await quern(batch(out), { env });
    expect(second.code).toBe(0);
    expect(second.stdout).toMatch(/5 queries in \d+ ms, 21 tokens \(.*\), 2 done before, 0\.0002 USD\n$/);
    expect(server.bodies.length).toBe(before + 3);
    expect(records(out).map(({ id, finish }) => [id, finish])).toEqual(ids.map((id) => [id, 'stop']));

    const third = await quern(batch(out), { env });
    expect(third.stdout).toMatch(/5 queries in \d+ ms, 5 done before\n$/);
    const elsewhere = await quern(batch(join(folder, 'cached.jsonl')), { env });
    expect(elsewhere.stdout).toMatch(/5 queries in \d+ ms, 5 from the cache\n$/);
    expect(server.bodies.length).toBe(before + 3);
  });

  it('has one process at a time, and says how far it is when it is stopped', async () => {
    const out = join(folder, 'stopped.jsonl');
    server.reply = streamed();
    server.script.push(streamed(), streamed(), silent);
    const child = startQuern(batch(out, '--no-cache'), { env });
    const ended = finished(child);
    while (journaled(out) < 2 && child.exitCode === null) await wait(2);
    const second = await quern(batch(out, '--no-cache'), { env });
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toContain(`${out}: is being written by process ${child.pid}`);
    child.kill('SIGINT');
    const stopped = await ended;
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toContain('quern: 2 of 5 done; the same command goes on from there\n');
    expect(namesOf(out)).toEqual(['stopped.jsonl.partial']);
    const last = await quern(batch(out, '--no-cache'), { env });
    expect(last.stdout).toMatch(/21 tokens .*, 2 done before/);
    expect(namesOf(out)).toEqual(['stopped.jsonl']);
  });
});

describe('the recorded failures of a batch', () => {
  it('are counted by an evaluation, which searches those questions as they are', async () => {
    const collection = resolve(import.meta.dirname, '../../../examples/collection');
    const recorded = join(folder, 'late.jsonl');
    const failure = { code: 'TIMEOUT', message: 'no reasoned query within 1 ms' };
    const late = records(join(collection, 'queries.jsonl')).map(({ text }) =>
      JSON.stringify({ query: text, text: '', finish: 'failed', failure }),
    );
    writeFileSync(recorded, late.join('\n'));
    interface Evaluated {
      readonly measures: Record<string, number>;
      readonly reasoning: { readonly failed: number };
    }
    const evaluation = ['eval', `beir:${collection}`];
    const plain = await quernJson<Evaluated>(evaluation, { env });
    const { code, stdout, stderr } = await quern(
      [...evaluation, '--reasoner', `file:${recorded}`, '--json'],
      { env },
    );
    expect(code).toBe(0);
    const found = JSON.parse(stdout) as Evaluated;
    expect(found.reasoning.failed).toBe(late.length);
    expect(found.measures).toEqual(plain.measures);
    expect(stderr).toContain(`quern:   ${late.length} times: no reasoned query within 1 ms\n`);
  });
});

describe('a file that a batch cannot be written to', () => {
  const { path: queries } = questions('kept.jsonl', 2);
  const before = readFileSync(queries, 'utf8');
  const batchTo = (out: string): Promise<Finished> =>
    quern(['reason', '--batch', queries, '--out', out, '--reasoner', 'none'], { env });

  it('is that of the questions, by any name', async () => {
    const link = join(folder, 'link.jsonl');
    symlinkSync(queries, link);
    for (const out of [queries, join(folder, '.', 'kept.jsonl'), link]) {
      const { code, stderr } = await batchTo(out);
      expect(code).toBe(2);
      expect(stderr).toContain('--out names the file of the questions');
    }
    expect(readFileSync(queries, 'utf8')).toBe(before);
  });

  it('is a folder', async () => {
    const out = join(folder, 'a-folder');
    mkdirSync(out);
    expect(await batchTo(out)).toMatchObject({ code: 1, stderr: expect.stringContaining('is a folder') });
  });

  it('is one that no batch has written', async () => {
    const out = join(folder, 'notes.md');
    writeFileSync(out, '# Notes\n');
    const { code, stderr } = await batchTo(out);
    expect(code).toBe(1);
    expect(stderr).toContain(`${out}: exists, and no batch has written it. Choose another file`);
    expect(readFileSync(out, 'utf8')).toBe('# Notes\n');
    expect(namesOf(out)).toEqual(['notes.md']);
  });
});

describe('a batch of rm3', () => {
  it('is another one with another index', async () => {
    const { path: queries } = questions('rm3.jsonl', 2);
    const out = join(folder, 'rm3-reasoned.jsonl');
    const run = async (documents: readonly string[]): Promise<Finished> => {
      const corpus = join(folder, `corpus-${documents.length}.jsonl`);
      const index = join(folder, `${documents.length}.index`);
      writeFileSync(corpus, documents.map((text, id) => JSON.stringify({ _id: `${id}`, text })).join('\n'));
      await quernJson(['index', corpus, '--out', index], { env });
      return quern(['reason', '--batch', queries, '--out', out, '--reasoner', 'rm3', '--index', index], {
        env,
      });
    };
    expect(await run(['cats purr'])).toMatchObject({ code: 0 });
    const other = await run(['cats purr', 'dogs bark']);
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('holds another batch') });
  });
});
