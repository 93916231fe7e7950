/** `quern serve` in a process of its own that is killed while files come and an index is built. */
import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { line } from './data-folder.ts';
import { rawClient, requestHead } from './raw-client.ts';
import { startQuern } from './run-quern.ts';
import { eventsOf } from './served.ts';
import { temporaryFolder } from './temporary-folder.ts';

const kills = 8;
const documents = 3000;
const folder = temporaryFolder();
const path = join(folder, 'data');
const ndjson = { 'content-type': 'application/x-ndjson' };
const json = { 'content-type': 'application/json' };

/** Starts a service over the data folder; the one before must be gone. */
async function started(): Promise<{ child: ChildProcess; url: string }> {
  const child = startQuern(['serve', '--data-dir', path, '--port', '0'], {
    env: { QUERN_SERVE_CACHE: join(folder, 'cache') },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  for await (const said of createInterface(child.stderr!)) {
    const [, url] = /serving at (http:\S+)/.exec(said) ?? [];
    if (url === undefined) continue;
    child.stderr!.resume();
    return { child, url };
  }
  throw new Error('quern serve ended before it served');
}

/** A corpus whose documents all have one word. */
function corpusOf(word: string): string {
  return Array.from({ length: documents }, (_, i) =>
    line(`d${i}`, `${word} number${i} ${'word '.repeat(30)}`),
  ).join('');
}

/** How many documents the index has that have a word. */
async function countOf(url: string, word: string): Promise<number> {
  const answer = await fetch(`${url}/v1/search`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ query: word, index: 'all', k: 1000, texts: 'none' }),
  });
  return ((await answer.json()) as { hits: unknown[] }).hits.length;
}

async function build(url: string): Promise<string> {
  const headers = { ...json, accept: 'text/event-stream' };
  const answer = await fetch(`${url}/v1/indexes`, {
    method: 'POST',
    headers,
    body: '{"name":"all","corpus":"notes","store":true}',
  });
  return eventsOf(await answer.text()).at(-1)!.event;
}

async function upload(url: string, corpus: string): Promise<{ documents: number }> {
  const answer = await fetch(`${url}/v1/corpora/notes/corpus.jsonl`, {
    method: 'PUT',
    headers: ndjson,
    body: corpus,
  });
  return (await answer.json()) as { documents: number };
}

/** Resolves once an index is being built. */
async function isBuilding(): Promise<void> {
  while (!(await readdir(join(path, 'indexes'))).some((name) => name.startsWith('.all.'))) await wait(1);
}

it('has the old or the new after each kill, nothing besides, and goes on', { timeout: 240_000 }, async () => {
  let current = 'word0';
  let service = await started();
  expect(await upload(service.url, corpusOf(current))).toMatchObject({ documents });
  expect(await build(service.url)).toBe('done');
  let killedFiles = 0;
  let killedBuilds = 0;
  for (let kill = 1; kill <= kills; kill++) {
    const next = `word${kill}`;
    const { child, url } = service;
    // An upload that will never end, and a build.
    const hanging = rawClient(
      Number(new URL(url).port),
      requestHead('PUT', '/v1/corpora/notes/queries.jsonl', { ...ndjson, 'content-length': 1e6 }) + line('q'),
    );
    await upload(url, corpusOf(next));
    const building = build(url).catch(() => 'killed');
    // Every second one while the build is known to be under way; the others at any moment.
    if (kill % 2 === 0) await isBuilding();
    else await wait((kill * 131) % 700);
    child.kill('SIGKILL');
    await Promise.all([once(child, 'close'), hanging.ended]);
    const ended = await building;
    const left = [...(await readdir(join(path, 'corpora'))), ...(await readdir(join(path, 'indexes')))];
    killedFiles += left.filter((name) => name.startsWith('.notes.')).length;
    killedBuilds += left.filter((name) => name.startsWith('.all.')).length;

    service = await started();
    const counts = [await countOf(service.url, current), await countOf(service.url, next)];
    expect([[0, 1000], ...(ended === 'done' ? [] : [[1000, 0]])]).toContainEqual(counts);
    if (counts[1] === 1000) current = next;
    const corpora = (await (await fetch(`${service.url}/v1/corpora`)).json()) as object;
    expect(corpora).toMatchObject({
      corpora: [{ name: 'notes', documents, files: [{ file: 'corpus.jsonl' }] }],
    });
    const after = await readdir(path, { recursive: true });
    expect(after.filter((name) => /(?:^|\/)\.|partial/.test(name))).toEqual([]);
  }
  // The kills hit what they were meant to hit.
  expect([killedFiles, killedBuilds > 0]).toEqual([kills, true]);
  expect(await build(service.url)).toBe('done');
  expect(await countOf(service.url, `word${kills}`)).toBe(1000);
  service.child.kill('SIGTERM');
  expect(await once(service.child, 'close')).toEqual([0, null]);
  expect((await readdir(path)).sort()).toEqual(['corpora', 'indexes']);
});

it('answers while it builds, and is had by one service at a time', { timeout: 120_000 }, async () => {
  const { child, url } = await started();
  await upload(url, corpusOf('other'));
  const building = build(url);
  const states: string[] = [];
  while (states.at(-1) !== 'done') {
    const answer = await fetch(`${url}/v1/builds`);
    const [latest] = ((await answer.json()) as { builds: { state: string }[] }).builds;
    states.push(latest?.state ?? 'none');
  }
  expect(await building).toBe('done');
  expect(states).toContain('running');
  await expect(started()).rejects.toThrow('ended before it served');
  child.kill('SIGTERM');
  await once(child, 'close');
});
