/** Writers of one index that are killed a hundred times, whenever: what was acknowledged is there, and nothing by half. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { IndexBuilder } from '../src/lexical/index-builder.ts';
import { IndexWriter } from '../src/lexical/index-writer.ts';
import { namedFiles, readManifest } from '../src/lexical/manifest.ts';
import { analyzerNamed } from '../src/text/analyzers.ts';
import { compiledSources } from './compiled-sources.ts';
import { dumpIndex } from './index-dump.ts';
import { temporaryFolder } from './temporary-folder.ts';

const kills = 100;
const seed = 20_261_122;
const folder = temporaryFolder();
const index = join(folder, 'index');
const compiled = compiledSources();

/** What one commit is to do, as the child says before it. */
interface Change {
  readonly put: Readonly<Record<string, string>>;
  readonly deleted: readonly string[];
}

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
const randomNumbers = `function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}`;
const randomFrom = new Function(`${randomNumbers}; return randomFrom;`)() as (seed: number) => () => number;

const child = (writer: string): string => `
import { writeSync } from 'node:fs';
import { IndexWriter } from ${JSON.stringify(writer)};
${randomNumbers}
const [, , index, seed] = process.argv;
const random = randomFrom(Number(seed));
const say = (word, value) => writeSync(1, word + ' ' + JSON.stringify(value) + '\\n');
say('started', null);
for (let turn = 0; ; turn++) {
  const writer = await IndexWriter.open(index, { mergeBudget: 50 });
  for (let commits = 1 + Math.floor(random() * 30); commits > 0; commits--) {
    const put = {};
    const deleted = [];
    for (let i = Math.floor(random() * 5); i >= 0; i--) {
      const id = 'd' + Math.floor(random() * 60);
      if (id in put || deleted.includes(id)) continue;
      if (random() < 0.3) {
        deleted.push(id);
        await writer.delete(id);
        continue;
      }
      put[id] = 'all w' + Math.floor(random() * 9) + ' of ' + seed + ' ' + turn + ' ' + commits;
      await writer.add({ id, title: '', text: put[id] }, 'here');
    }
    say('begin', { put, deleted });
    await writer.commit();
    say('done', null);
  }
  if (random() < 0.5) await writer.close();
  else await writer.abandon();
}`;

/** The index of these texts, as {@link dumpIndex} reads it. */
async function dumpOf(texts: ReadonlyMap<string, string>): Promise<unknown> {
  const out = join(folder, 'fresh');
  const builder = await IndexBuilder.create({ out, analyzer: analyzerNamed('whitespace'), store: true });
  for (const [id, text] of texts) await builder.add({ id, title: '', text }, id);
  await builder.finish();
  return dumpIndex(out);
}

function changed(texts: ReadonlyMap<string, string>, { put, deleted }: Change): Map<string, string> {
  const after = new Map(texts);
  for (const id of deleted) after.delete(id);
  for (const [id, text] of Object.entries(put)) after.set(id, text);
  return after;
}

function textsOf({ stored }: Awaited<ReturnType<typeof dumpIndex>>): Record<string, string> {
  const texts = Object.entries(stored!).map(([id, document]) => [id, (document as { text: string }).text]);
  return Object.fromEntries(texts) as Record<string, string>;
}

it(`is whole and up to date after each of ${kills} kills, and the next writer goes on`, async () => {
  const script = join(folder, 'writer.mjs');
  await writeFile(script, child(compiled('lexical/index-writer.js')));
  await dumpOf(new Map());
  const builder = await IndexBuilder.create({
    out: index,
    analyzer: analyzerNamed('whitespace'),
    store: true,
  });
  await builder.finish();
  const random = randomFrom(seed);
  let texts: ReadonlyMap<string, string> = new Map();
  let acknowledged = 0;
  let killedMerges = 0;
  for (let kill = 0; kill < kills; kill++) {
    const running = spawn(process.execPath, [script, index, String(seed + kill)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void running.kill('SIGKILL'));
    let pending: Change | undefined;
    const lines = createInterface({ input: running.stdout });
    const closed = once(lines, 'close');
    const isStarted = once(lines, 'line');
    lines.on('line', (line) => {
      const space = line.indexOf(' ');
      const value = JSON.parse(line.slice(space + 1)) as unknown;
      if (line.startsWith('begin ')) pending = value as Change;
      else if (line.startsWith('done ')) {
        texts = changed(texts, pending!);
        pending = undefined;
        acknowledged++;
      }
    });
    await isStarted;
    // Now and then while it opens the index, mostly while it commits and merges.
    await wait(random() < 0.15 ? random() * 20 : random() * 400);
    running.kill('SIGKILL');
    await closed;

    const left = await readdir(index);
    const partial = left.filter((name) => name.endsWith('.quern.partial'));
    // A commit has the pairs of its documents beside it.
    if (partial.some((name) => !left.includes(name.replace('.quern.', '.pairs.')))) killedMerges++;
    const dump = await dumpIndex(index);
    const found = JSON.stringify(sorted(Object.entries(textsOf(dump))));
    const before = JSON.stringify(sorted([...texts]));
    if (pending && found !== before) texts = changed(texts, pending);
    expect(found).toBe(JSON.stringify(sorted([...texts])));
    // Statistics and postings too, but not each time, as that takes a build.
    const fresh = kill % 10 === 9 ? await dumpOf(texts) : dump;
    expect(dump).toEqual(fresh);
  }
  const writer = await IndexWriter.open(index);
  await writer.add({ id: 'last', title: '', text: 'of all' }, 'here');
  await writer.commit();
  await writer.close();
  const dump = await dumpIndex(index);
  expect(dump).toEqual(await dumpOf(new Map([...texts, ['last', 'of all']])));
  expect((await readdir(index)).sort()).toEqual([...namedFiles(await readManifest(index))].sort());
  // The kills hit what they were meant to hit.
  expect(acknowledged).toBeGreaterThan(kills);
  expect(killedMerges).toBeGreaterThan(0);
  // Most merges came to their end: there would be a segment for almost every commit.
  expect((await readManifest(index)).segments.length).toBeLessThan(20);
});

function sorted(entries: [string, string][]): [string, string][] {
  return entries.sort(([a], [b]) => (a < b ? -1 : 1));
}
