/** Processes that share a cache and are killed whenever: what was acknowledged is there, and nothing is damaged. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { databasePlaces } from '../src/reason/cache/database-opening.ts';
import { databaseDamage } from '../src/reason/cache/lmdb-file.ts';
import { ReasonedQueryCache } from '../src/reason/cache/reasoned-query-cache.ts';
import { Warnings } from '../src/warnings.ts';
import { compiledSources } from './compiled-sources.ts';
import { reasonedQuery } from './reasoned-query.ts';
import { temporaryFolder } from './temporary-folder.ts';

const rounds = 5;
const writers = 3;
const folder = temporaryFolder();
const compiled = compiledSources();
const modules = createRequire(import.meta.url);

/** Makes these packages, and no others, be found from the compiled sources. */
async function linkPackages(names: readonly string[]): Promise<void> {
  const to = join(dirname(fileURLToPath(compiled('index.js'))), 'node_modules');
  await mkdir(to, { recursive: true });
  for (const name of names) {
    // The folder under node_modules that its main file lies in.
    const found = modules.resolve(name);
    const end = found.lastIndexOf(`node_modules/${name}/`) + `node_modules/${name}`.length;
    await symlink(found.slice(0, end), join(to, name), 'junction');
  }
}

const writer = (module: string): string => `
import { writeSync } from 'node:fs';
import { ReasonedQueryCache } from ${JSON.stringify(module)};
const [, , folder, name] = process.argv;
const text = 'text '.repeat(700);
writeSync(1, 'started\\n');
for (let turn = 0; ; turn++) {
  const cache = await ReasonedQueryCache.open(folder);
  for (let i = 0; i < 30; i++) {
    const keys = [0, 1, 2, 3].map((j) => [name, turn, i, j].join(' '));
    await Promise.all(
      keys.map(async (query) => {
        const stored = { query, text, reasoner: name, finish: 'stop', promptTokens: 1, completionTokens: 1 };
        if (await cache.put(query, { ...stored, milliseconds: 1, cached: false })) writeSync(1, query + '\\n');
      }),
    );
    if (i % 10 === 5) await cache.prune({ reasoner: 'none has this' });
  }
  await cache.close();
}`;

beforeAll(() => linkPackages(['zod']));

it('names the package that it needs where that is not installed', async () => {
  const script = join(folder, 'missing.mjs');
  const module = JSON.stringify(compiled('reason/cache/reasoned-query-cache.js'));
  await writeFile(
    script,
    `import { ReasonedQueryCache } from ${module};
    await ReasonedQueryCache.open(process.argv[2]).catch(({ code, hint }) => console.log(code, hint));`,
  );
  const { stdout } = spawnSync(process.execPath, [script, join(folder, 'none')], { encoding: 'utf8' });
  expect(stdout).toBe('MISSING_PACKAGE npm install lmdb\n');
});

it(`has all that was stored after ${rounds} times ${writers} processes were killed`, async () => {
  await linkPackages(['lmdb']);
  const cacheFolder = join(folder, 'shared');
  const script = join(folder, 'writer.mjs');
  await writeFile(script, writer(compiled('reason/cache/reasoned-query-cache.js')));
  const stored = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    const running = Array.from({ length: writers }, (_, i): ChildProcess => {
      const child = spawn(process.execPath, [script, cacheFolder, `${round}-${i}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      return child;
    });
    const ended = running.map(async (child) => {
      const lines = createInterface({ input: child.stdout! });
      lines.on('line', (line) => line !== 'started' && stored.add(line));
      const closed = once(lines, 'close');
      await once(lines, 'line');
      await wait(50 + Math.random() * 400);
      child.kill('SIGKILL');
      await closed;
    });
    await Promise.all(ended);
    expect(await databaseDamage(databasePlaces(cacheFolder).file, 32)).toBeUndefined();
  }
  const warnings = new Warnings();
  const cache = await ReasonedQueryCache.open(cacheFolder, { warnings });
  const lost: string[] = [];
  for (const query of stored) if ((await cache.get(query))?.query !== query) lost.push(query);
  expect(lost).toEqual([]);
  expect(stored.size).toBeGreaterThan(rounds * writers);
  const { entries } = await cache.stats();
  expect(entries).toBeGreaterThanOrEqual(stored.size);
  // One that was written when its process was killed, for each.
  expect(entries).toBeLessThanOrEqual(stored.size + rounds * writers * 4);
  expect(warnings.list()).toEqual([]);
  expect(await readdir(cacheFolder)).toEqual(['reasoned']);
  await cache.close();
});

it('shows what another has stored since it last looked, in the same turn of the event loop', async () => {
  const cacheFolder = join(folder, 'turn');
  const script = join(folder, 'writer.mjs');
  const module = JSON.stringify(compiled('reason/cache/reasoned-query-cache.js'));
  await writeFile(
    script,
    `import { ReasonedQueryCache } from ${module};
    const cache = await ReasonedQueryCache.open(process.argv[2]);
    await cache.put('key', ${JSON.stringify(reasonedQuery('from the other'))});
    await cache.close();`,
  );
  const cache = await ReasonedQueryCache.open(cacheFolder);
  expect(await cache.get('key')).toBeUndefined();
  execFileSync(process.execPath, [script, cacheFolder]);
  expect(await cache.get('key')).toMatchObject({ query: 'from the other' });
  await cache.close();
});

it('shows a process at once what another has stored', async () => {
  const cacheFolder = join(folder, 'two');
  const script = join(folder, 'reader.mjs');
  const module = JSON.stringify(compiled('reason/cache/reasoned-query-cache.js'));
  await writeFile(
    script,
    `import { createInterface } from 'node:readline';
    import { ReasonedQueryCache } from ${module};
    const cache = await ReasonedQueryCache.open(process.argv[2]);
    for await (const key of createInterface({ input: process.stdin })) {
      console.log((await cache.get(key))?.text ?? 'none');
      await cache.put('answer to ' + key, ${JSON.stringify(reasonedQuery('from the other'))});
    }
    await cache.close();`,
  );
  const cache = await ReasonedQueryCache.open(cacheFolder);
  const child = spawn(process.execPath, [script, cacheFolder], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const asked = async (key: string): Promise<unknown> => {
    child.stdin.write(`${key}\n`);
    return (await lines.next()).value;
  };
  expect(await asked('first')).toBe('none');
  await cache.put('second', reasonedQuery('second'));
  expect(await asked('second')).toBe('what second is about');
  expect(await asked('third')).toBe('none');
  expect(await cache.get('answer to second')).toMatchObject({ query: 'from the other' });
  // The other has it open: nothing may be taken from under it.
  await cache.clear();
  await cache.put('fourth', reasonedQuery('fourth'));
  expect(await asked('fourth')).toBe('what fourth is about');
  child.stdin.end();
  await once(child, 'close');
  expect(await cache.get('answer to fourth')).toBeDefined();
  await cache.close();
});
