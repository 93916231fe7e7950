/** Processes that download a model, and are killed at several moments or run beside each other. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { compiledSources } from './compiled-sources.ts';
import { FakeHub, noise, sha256, stallAfter, type SeenRequest } from './fake-hub.ts';
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

/** How much of a content is there, by the path that it is asked for at. */
function receivedOf(cache: TestCache): Map<string, number> {
  return new Map(
    hub.files
      .filter(({ lfs }) => lfs)
      .map(({ name, content }) => {
        const partial = cache.blob(name, '.incomplete');
        const size = existsSync(partial) ? statSync(partial).size : 0;
        return [`/content/${sha256(content)}?signature=secret`, size];
      }),
  );
}

/** From where on contents were asked for: path and first byte. */
function asked(requests: readonly SeenRequest[]): [string, number][] {
  return requests
    .filter(({ server }) => server === 'cdn')
    .map(({ path, range }) => [path, Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')![1])]);
}

it('a download that is killed time and again leaves nothing by half, and asks for nothing twice', async () => {
  const cache = new TestCache(folder, hub);
  let resumed = 0;
  for (const bytes of [
    0,
    100_000,
    700_000,
    2_000_000,
    2_999_000,
    3_000_100,
    4_000_000,
    total - 1,
    Infinity,
  ]) {
    hub.slowness = 4;
    const before = receivedOf(cache);
    const seen = hub.requests.length;
    const child = started(cache);
    const closed = once(child, 'close');
    while (child.exitCode === null && (hub.bytesServed < bytes || hub.requests.length === seen))
      await wait(1);
    child.kill('SIGKILL');
    await closed;
    expect(faultsOf(cache)).toEqual([]);
    // What was on its way to a killed process is lost, and sent again; what it wrote is not.
    const starts = asked(hub.requests.slice(seen));
    expect(starts).toEqual(starts.map(([path]) => [path, before.get(path)]));
    expect(new Set(starts.map(([path]) => path)).size).toBe(starts.length);
    resumed += starts.filter(([, start]) => start > 0).length;
  }
  expect(resumed).toBeGreaterThanOrEqual(2);
  hub.reset();
  expect((await cache.resolve()).files.map(({ name }) => name)).toEqual(names.toSorted());
  expect(hub.bytesServed).toBe(0);
});

it('processes that want the same download it once, also when the first of them is killed', async () => {
  const cache = new TestCache(folder, hub);
  const [one, two, three] = receivedOf(cache).keys();
  hub.next('cdn', stallAfter(1_000_000));
  const first = started(cache);
  while (receivedOf(cache).get(one) !== 1_000_000) await wait(1);
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
  expect(asked(hub.requests)).toEqual([
    [one, 0],
    [one, 1_000_000],
    [two, 0],
    [three, 0],
  ]);
  expect(hub.bytesServed).toBe(total);
  expect(readFileSync(cache.repository('refs', 'main'), 'utf8')).toBe(hub.commit);
});
