/** Processes that download a model, and are killed at several moments or run beside each other. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { compiledSources } from './compiled-sources.ts';
import { FakeHub, noise, sha256 } from './fake-hub.ts';
import { TestCache } from './hub-cache.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const compiled = compiledSources();
const hub = await FakeHub.start({
  'config.json': '{"a": 1}',
  'model-00001-of-00002.safetensors': noise(3_000_000, 'one'),
  'model-00002-of-00002.safetensors': noise(2_000_000, 'two'),
  'tokenizer.json': noise(50_000, 'tokenizer'),
});
const names = hub.files.map(({ name }) => name);
const total = hub.size(...names);
/** What was sent and not yet written when a process was killed: a chunk, and what the system's buffers hold. */
const slack = 500_000;

beforeEach(() => hub.reset());

/** A process that resolves the model into `cache`. */
function started(cache: TestCache): ChildProcess {
  const script = join(folder, 'download.mjs');
  writeFileSync(
    script,
    `import { resolveModel } from ${JSON.stringify(compiled('models/hub.js'))};
     await resolveModel('owner/model', { timing: { pause: 10 } });`,
  );
  const child = spawn(process.execPath, [script], {
    env: { HF_HUB_CACHE: cache.path, HF_HOME: cache.path, HF_ENDPOINT: hub.endpoint },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** What stands under a final name and is not whole, or too early. */
function faultsOf(cache: TestCache): string[] {
  if (!existsSync(cache.repository())) return [];
  const whole = new Set(hub.files.map(({ content }) => sha256(content)));
  const entries = Object.entries(cache.tree());
  const linked = entries.filter(([name]) => name.startsWith('snapshots/'));
  const faults = entries.filter(([name, content]) => {
    if (name.startsWith('blobs/')) return !name.endsWith('.incomplete') && !whole.has(content);
    // The revision comes last.
    if (name.startsWith('refs/')) return linked.length < names.length;
    if (!name.startsWith('snapshots/')) return false;
    const file = name.split('/').slice(2).join('/');
    return sha256(readFileSync(cache.repository(name))) !== sha256(hub.file(file).content);
  });
  return faults.map(([name]) => name);
}

it('a download that is killed time and again leaves nothing by half, and fetches nothing twice', async () => {
  const cache = new TestCache(folder, hub);
  const moments = [0, 100_000, 700_000, 2_000_000, 2_999_000, 3_000_100, 4_000_000, total - 1];
  for (const bytes of moments) {
    hub.slowness = 4;
    const child = started(cache);
    const closed = once(child, 'close');
    while (hub.bytesServed < bytes || hub.requests.length === 0) await wait(1);
    child.kill('SIGKILL');
    await closed;
    expect(faultsOf(cache)).toEqual([]);
  }
  const model = await cache.resolve();
  expect(faultsOf(cache)).toEqual([]);
  expect(model.files.map(({ name }) => name)).toEqual(names.toSorted());
  expect(hub.bytesServed).toBeGreaterThanOrEqual(total);
  expect(hub.bytesServed).toBeLessThan(total + moments.length * slack);
  // They went on: the last to ask for the first part did not ask for all of it.
  const ranges = hub.requests.filter(({ server, range }) => server === 'cdn' && range !== undefined);
  expect(ranges.length).toBeGreaterThan(2);
});

it('processes that want the same download it once, also when the first of them is killed', async () => {
  const cache = new TestCache(folder, hub);
  hub.slowness = 2;
  const first = started(cache);
  while (hub.bytesServed < 500_000) await wait(1);
  const others = [started(cache), started(cache)];
  const ends = others.map((child) => once(child, 'close'));
  // Both have the list of files, and wait.
  while (hub.requests.filter(({ path }) => path.startsWith('/api/')).length < 3) await wait(1);
  first.kill('SIGKILL');
  expect(await Promise.all(ends)).toEqual([
    [0, null],
    [0, null],
  ]);
  expect(faultsOf(cache)).toEqual([]);
  expect(statSync(cache.repository('refs', 'main')).size).toBe(40);
  expect(hub.bytesServed).toBeGreaterThanOrEqual(total);
  expect(hub.bytesServed).toBeLessThan(total + slack);
});
