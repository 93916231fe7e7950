import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { compiledSources } from '../test/compiled-sources.ts';
import { temporaryFolder } from '../test/temporary-folder.ts';
import { ProcessLock } from './process-lock.ts';

const folder = temporaryFolder();
const compiled = compiledSources();

function acquire(index: string): Promise<ProcessLock> {
  return ProcessLock.acquire(join(index, 'writer.lock'), { kind: 'index', where: index });
}

function newFolder(): Promise<string> {
  return mkdtemp(join(folder, 'index-'));
}

/** Starts a process of its own that runs `script`, which has `acquire`. */
async function started(where: string, script: string): Promise<ChildProcess> {
  const path = join(folder, `script-${Math.random()}.mjs`);
  const module = JSON.stringify(compiled('process-lock.js'));
  const head = `import { ProcessLock } from ${module}; const folder = ${JSON.stringify(where)};
const acquire = () => ProcessLock.acquire(folder + '/writer.lock', { kind: 'index', where: folder });`;
  await writeFile(path, head + script);
  const child = spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function lockOfDead(index: string, changes: object = {}): Promise<void> {
  const dead = { pid: 2 ** 22 + 1, host: hostname(), token: '00112233445566aa', ...changes };
  await writeFile(join(index, 'writer.lock'), JSON.stringify(dead));
}

it('is held by one at a time, of one process too, until it is released', async () => {
  const index = await newFolder();
  const lock = await acquire(index);
  const refused = { code: 'LOCKED', where: index, message: expect.stringContaining('this process') };
  await expect(acquire(index)).rejects.toMatchObject(refused);
  await lock.release();
  const second = await acquire(index);
  await lock.release();
  await expect(acquire(index)).rejects.toMatchObject(refused);
  await second.release();
  await second.release();
  expect(await readdir(index)).toEqual([]);
});

it('of another living process is refused by its number, and taken over once that is killed', async () => {
  const index = await newFolder();
  const child = await started(index, `await acquire(); console.log('held'); setInterval(() => {}, 1e6);`);
  await once(child.stdout!, 'data');
  await expect(acquire(index)).rejects.toMatchObject({
    code: 'LOCKED',
    message: expect.stringContaining(`process ${child.pid}`),
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
  await (await acquire(index)).release();
  expect(await readdir(index)).toEqual([]);
});

it.skipIf(process.platform !== 'linux')(
  'of a process whose number is now another one is taken over',
  async () => {
    const index = await newFolder();
    await lockOfDead(index, { pid: process.pid, started: 'another boot 1234' });
    await (await acquire(index)).release();
    expect(await readdir(index)).toEqual([]);
  },
);

it('of another machine stays, and so does one that cannot be read', async () => {
  const index = await newFolder();
  await lockOfDead(index, { host: 'elsewhere.example' });
  await expect(acquire(index)).rejects.toMatchObject({
    code: 'LOCKED',
    message: expect.stringContaining('on elsewhere.example'),
    hint: expect.stringContaining('writer.lock'),
  });
  await writeFile(join(index, 'writer.lock'), 'half a l');
  await expect(acquire(index)).rejects.toMatchObject({ code: 'LOCKED' });
  expect(await readFile(join(index, 'writer.lock'), 'utf8')).toBe('half a l');
});

it('is taken over also from one who died while taking it over', async () => {
  const index = await newFolder();
  await lockOfDead(index);
  const next = { pid: 2 ** 22 + 2, host: hostname(), token: 'ffeeddccbbaa9988' };
  await writeFile(join(index, 'writer.lock.after-00112233445566aa'), JSON.stringify(next));
  const lock = await acquire(index);
  await expect(acquire(index)).rejects.toMatchObject({ code: 'LOCKED' });
  await lock.release();
  expect(await readdir(index)).toEqual([]);
});

it('is never won by two of many processes that find a dead one', async () => {
  const index = await newFolder();
  const held = join(index, 'held');
  const children = await Promise.all(
    Array.from({ length: 5 }, () =>
      started(
        index,
        `import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
         let wins = 0;
         for (const end = Date.now() + 3000; Date.now() < end;) {
           let lock;
           try { lock = await acquire(); }
           catch (error) { if (error.code !== 'LOCKED') throw error; continue; }
           mkdirSync(${JSON.stringify(held)}); // Throws where another has the lock too.
           wins++;
           if (wins % 3 === 0) await new Promise((done) => setTimeout(done, 1));
           rmdirSync(${JSON.stringify(held)});
           // Half of the time it is left as by one who was killed.
           if (wins % 2) await lock.release();
           else writeFileSync(folder + '/writer.lock', JSON.stringify({ pid: 2 ** 22 + 1, host: ${JSON.stringify(hostname())},
             token: Math.random().toString(16).slice(2).padEnd(16, '0').slice(0, 16) }));
         }
         console.log(wins);`,
      ),
    ),
  );
  const ends = await Promise.all(
    children.map(async (child) => {
      const closed = once(child, 'close');
      const wins = Number(await text(child.stdout!));
      return { code: (await closed)[0] as number, wins };
    }),
  );
  expect(ends.map(({ code }) => code)).toEqual(ends.map(() => 0));
  for (const { wins } of ends) expect(wins).toBeGreaterThan(0);
});

it('is not taken from a process of another container, whose number means nothing here', async () => {
  const index = await newFolder();
  await lockOfDead(index, { namespace: 'pid:[1]' });
  await expect(acquire(index)).rejects.toMatchObject({
    code: 'LOCKED',
    message: expect.stringContaining('container'),
    hint: expect.stringContaining('remove'),
  });
});

// Elsewhere the system does not tell when it was started, and the process may be there.
it.runIf(process.platform === 'linux')(
  'is taken from whoever held it before the machine started',
  async () => {
    const index = await newFolder();
    await lockOfDead(index, { pid: process.pid, namespace: 'pid:[1]', started: 'another-boot 1' });
    const lock = await acquire(index);
    expect(await readFile(join(index, 'writer.lock'), 'utf8')).toContain(String(process.pid));
    await lock.release();
  },
);

it('is refused where the files say that a holder took it over from itself', async () => {
  const index = await newFolder();
  await lockOfDead(index);
  const holder = await readFile(join(index, 'writer.lock'));
  await writeFile(join(index, 'writer.lock.after-00112233445566aa'), holder);
  await expect(acquire(index)).rejects.toMatchObject({ code: 'LOCKED' });
});

it('is refused where it is a link that leads nowhere, or nobody can have written it', async () => {
  const linked = await newFolder();
  await symlink(join(linked, 'nowhere'), join(linked, 'writer.lock'));
  await expect(acquire(linked)).rejects.toMatchObject({ code: 'LOCKED' });
  const nobody = await newFolder();
  await lockOfDead(nobody, { pid: 0 });
  await expect(acquire(nobody)).rejects.toMatchObject({
    code: 'LOCKED',
    hint: expect.stringContaining('remove this file'),
  });
});
