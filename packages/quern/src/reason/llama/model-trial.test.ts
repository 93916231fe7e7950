import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { writeTinyAdapter } from '../../../test/tiny-adapter.ts';
import { writeTinyCheckpoint } from '../../../test/tiny-checkpoint.ts';
import { convertAdapterToGguf } from '../../models/convert-adapter.ts';
import { convertToGguf } from '../../models/convert.ts';
import { tryModel, type ModelTrialOptions } from './model-trial.ts';

const folder = temporaryFolder();
const checkpoint = join(folder, 'checkpoint');
const longAgo = new Date(Date.now() - 3_600_000);
let files = 0;

/** The name of a new file with these bytes, an hour old. */
function aged(bytes: Buffer, path = join(folder, `model ${files++}.gguf`)): string {
  writeFileSync(path, bytes);
  utimesSync(path, longAgo, longAgo);
  return path;
}

function whole(): Buffer {
  return readFileSync(join(folder, 'whole.gguf'));
}

/** The model's file with the value of a 4-byte number in its metadata replaced. */
function withNumber(key: string, write: (bytes: Buffer, at: number) => void): string {
  const bytes = whole();
  const at = bytes.indexOf(key) + key.length + 4;
  write(bytes, at);
  return aged(bytes);
}

/** A model without ChatML, whose own template is this one. */
async function templated(template: string): Promise<string> {
  const from = join(folder, `checkpoint ${files++}`);
  await writeTinyCheckpoint(from);
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    const text = readFileSync(join(from, name), 'utf8')
      .replaceAll('im_start', 'begin')
      .replaceAll('im_end', 'end');
    const changed = JSON.parse(text) as Record<string, unknown>;
    const replaced = changed['chat_template'] === undefined ? {} : { chat_template: template };
    writeFileSync(join(from, name), JSON.stringify({ ...changed, ...replaced }));
  }
  const out = `${from}.gguf`;
  await convertToGguf(from, { type: 'f16', out });
  return aged(readFileSync(out), out);
}

const endless =
  '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{{ messages[0].content }}';

/** Tries a model and its adapters; returns in how many processes. */
async function trials(paths: readonly string[], options: Partial<ModelTrialOptions> = {}): Promise<number> {
  let count = 0;
  const onWork = () => {
    count++;
    return { update: () => undefined, stop: () => undefined };
  };
  await tryModel(paths, { folder: join(folder, 'cache'), threads: 1, onWork, ...options });
  return count;
}

/** The trials that run below a process, by their ids. */
function running(parent: number): number[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, ppid, state, ...args]) => {
      return (
        Number(ppid) === parent && !state.startsWith('Z') && args.join(' ').includes('model-trial-process')
      );
    })
    .map(([pid]) => Number(pid));
}

function lives(pid: number): boolean {
  const all = execFileSync('ps', ['-A', '-o', 'pid=,stat='], { encoding: 'utf8' }).split('\n');
  return all.some((line) => new RegExp(`^\\s*${pid}\\s+[^Z]`).test(line));
}

beforeAll(async () => {
  await writeTinyCheckpoint(checkpoint);
  await convertToGguf(checkpoint, { type: 'f16', out: join(folder, 'whole.gguf') });
});

describe('the trial of a model', () => {
  it('is made once, and again when a file of it changed or is added', async () => {
    const path = aged(whole());
    expect(await trials([path])).toBe(1);
    expect(await trials([path])).toBe(0);
    const adapter = join(folder, 'adapter');
    await writeTinyAdapter(adapter);
    await convertAdapterToGguf(adapter, { base: checkpoint, out: `${adapter}.gguf` });
    aged(readFileSync(`${adapter}.gguf`), `${adapter}.gguf`);
    expect(await trials([path, `${adapter}.gguf`])).toBe(1);
    expect(await trials([path, `${adapter}.gguf`])).toBe(0);
    aged(whole(), path);
    expect(await trials([path])).toBe(1);
  });

  it('is not remembered of a file that changed just now', async () => {
    const path = aged(whole());
    utimesSync(path, new Date(), new Date());
    expect(await trials([path])).toBe(1);
    expect(await trials([path])).toBe(1);
  });

  it('is made again where what is remembered is damaged, or of another llama.cpp', async () => {
    const path = aged(whole());
    const cache = join(folder, 'damaged');
    await trials([path], { folder: cache });
    const [name] = readdirSync(join(cache, 'trials'));
    const memo = join(cache, 'trials', name);
    writeFileSync(memo, readFileSync(memo, 'utf8').replace(/node-llama-cpp \S+/, 'node-llama-cpp 0.0.0'));
    expect(await trials([path], { folder: cache })).toBe(1);
    expect(await trials([path], { folder: cache })).toBe(0);
  });

  it.each<[string, () => string, object]>([
    [
      'does not load it',
      () => aged(Buffer.from(whole().toString('latin1').replace('rms_epsilon', 'rms_epsilom'), 'latin1')),
      {
        code: 'UNSUPPORTED',
        what: 'llama.cpp cannot load it (key not found in model: qwen2.attention.layer_norm_rms_epsilon)',
      },
    ],
    [
      'breaks off while it loads it',
      () => withNumber('qwen2.block_count', (bytes, at) => bytes.writeUInt32LE(0, at)),
      {
        code: 'CORRUPT_FILE',
        what: expect.stringMatching(
          /^llama\.cpp breaks off while it loads it \(.*GGML_ASSERT\(.*\) failed\)$/,
        ),
      },
    ],
    [
      'breaks off at the first token',
      () => withNumber('qwen2.attention.layer_norm_rms_epsilon', (bytes, at) => bytes.writeFloatLE(-1, at)),
      {
        code: 'CORRUPT_FILE',
        what: expect.stringMatching(
          /^llama\.cpp breaks off while it evaluates it \(.*GGML_ASSERT\(.*\) failed\)$/,
        ),
      },
    ],
  ])('says so where llama.cpp %s', async (_, damaged, error) => {
    const path = damaged();
    await expect(trials([path])).rejects.toMatchObject({ where: path, ...error });
    expect(running(process.pid)).toEqual([]);
  });

  it('is remembered only where it was passed', async () => {
    const path = withNumber('qwen2.block_count', (bytes, at) => bytes.writeUInt32LE(0, at));
    const cache = join(folder, 'failed');
    await expect(trials([path], { folder: cache })).rejects.toMatchObject({ code: 'CORRUPT_FILE' });
    expect(existsSync(join(cache, 'trials'))).toBe(false);
  });

  it.each<[string, string, string]>([
    ['throws', "{{ raise_exception('no\nsuch thing') }}", 'its chat template cannot be used (no such thing)'],
    ['is no template', '{% for %}', 'its chat template cannot be used (.*)'],
    ['is empty', '  ', 'it has no chat template'],
  ])('says so where the chat template %s', async (_, template, what) => {
    const path = await templated(template);
    const pattern = new RegExp(`^${what.replace('(', '\\(').replace(/\)$/, '\\)')}$`);
    await expect(trials([path])).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      where: path,
      what: expect.stringMatching(pattern),
    });
  });

  it('ends where the chat template takes for ever', async () => {
    const path = await templated(endless);
    await expect(trials([path], { patience: 500 })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      where: path,
      what: 'its chat template or its first token takes for ever (no sign for 0.5 s)',
    });
    expect(running(process.pid)).toEqual([]);
  });

  it('is stopped on request, even where it would take for ever', async () => {
    const path = await templated(endless);
    const stopping = new AbortController();
    const ended = trials([path], { signal: stopping.signal }).catch((error: unknown) => error);
    await vi.waitFor(() => expect(running(process.pid)).toHaveLength(1), { timeout: 10_000 });
    stopping.abort();
    expect(await ended).toMatchObject({ code: 'ABORTED' });
    expect(running(process.pid)).toEqual([]);
    await expect(trials([path], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('ends with the process that makes it, however that ends', async () => {
    const path = await templated(endless);
    const module = resolve(import.meta.dirname, '../../../dist/reason/llama/model-trial.js');
    const script = `
      const { tryModel } = await import(${JSON.stringify(module)});
      const onWork = () => ({ update: (done) => done > 99 && console.log('loaded'), stop() {} });
      await tryModel([${JSON.stringify(path)}], { folder: ${JSON.stringify(folder)}, threads: 1, onWork });`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((loaded) => parent.stdout.once('data', loaded));
    const [pid] = running(parent.pid!);
    expect(lives(pid)).toBe(true);
    parent.kill('SIGKILL');
    await vi.waitFor(() => expect(lives(pid)).toBe(false), { timeout: 10_000 });
  });

  it('is of files that are there', async () => {
    await expect(trials([join(folder, 'none.gguf')])).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
