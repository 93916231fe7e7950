import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compiler, libtorchFiles, programs, writeFiles } from '../../test/fake-machine.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { currentBuild, nativeFolder, sourcesHash } from '../location.ts';
import { setUpWith, setupLibTorch, type AddonCheck } from './setup.ts';
import { libtorchState } from './state.ts';

const root = temporaryFolder();
const headers = writeFiles(join(root, 'headers'), { 'node_api.h': '' });
const works: AddonCheck = async () => undefined;
const fails: AddonCheck = () => Promise.reject(new Error('it was tried'));
const sources = readdirSync(nativeFolder).filter((name) => name.endsWith('.cc'));

/** A machine with LibTorch and a compiler that does, before it compiles, what `compile` says. */
function machine(compile?: string): { folder: string; env: Record<string, string>; libtorch: string } {
  const PATH = programs(root, { 'c++': compiler(compile) });
  const libtorch = writeFiles(mkdtempSync(join(root, 'libtorch-')), libtorchFiles('2.13.0+cpu'));
  const folder = join(mkdtempSync(join(root, 'cache-')), 'builds');
  return { folder, libtorch, env: { PATH, LIBTORCH: libtorch, NODE_HEADERS: headers } };
}

describe('setting up', () => {
  it('builds the addon, tries it, and then makes it the one that is used', async () => {
    const { folder, env, libtorch } = machine();
    const steps: string[] = [];
    const tried: string[] = [];
    const check: AddonCheck = async (addon) => {
      tried.push(addon);
      expect([existsSync(addon), currentBuild(folder)]).toEqual([true, undefined]);
    };
    const ready = await setUpWith(check, { folder, env, onStep: (text) => steps.push(text) });
    const facts = { libtorch, version: '2.13.0+cpu', node: process.versions.node, sources: sourcesHash() };
    expect(ready).toMatchObject({ ...facts, compiler: 'fake c++ 1.0', from: 'LIBTORCH', isNew: true });
    expect(tried).toEqual([ready.addon]);
    const { from: _, isNew: __, ...build } = ready;
    expect(currentBuild(folder)).toEqual(build);
    expect(steps).toContain(`compiled ${sources.length} of ${sources.length} files`);
    const names = readdirSync(folder).sort();
    expect(names).toEqual([expect.stringMatching(/^2\.13\.0\+cpu-[\da-f]{8}-node/), 'current.json']);
    expect(readdirSync(join(folder, names[0])).sort()).toEqual(['build.json', 'libtorch.node']);
  });

  it('does nothing where it was done, and builds again for another LibTorch', async () => {
    const { folder, env, libtorch } = machine();
    const options = { folder, env: { ...env } };
    const first = await setUpWith(works, options);
    const log: string[] = [];
    const again = {
      ...options,
      log: (text: string) => log.push(text),
      onStep: (text: string) => log.push(text),
    };
    expect(await setUpWith(fails, again)).toEqual({ ...first, isNew: false });
    expect(log).toEqual([]);
    writeFiles(libtorch, libtorchFiles('2.14.0'));
    const other = await setUpWith(works, options);
    expect(other).toMatchObject({ version: '2.14.0', isNew: true });
    expect(other.addon).not.toBe(first.addon);
  });

  it('builds again where the addon was removed', async () => {
    const { folder, env } = machine();
    const { addon } = await setUpWith(works, { folder, env });
    rmSync(addon);
    expect(await setUpWith(works, { folder, env })).toMatchObject({ addon, isNew: true });
    expect(existsSync(addon)).toBe(true);
  });

  it('of two at once is done by one, and the other waits for it', async () => {
    const { folder, env } = machine();
    const steps: string[] = [];
    const options = { folder, env, onStep: (text: string) => steps.push(text) };
    const both = await Promise.all([setUpWith(works, options), setUpWith(works, options)]);
    expect(both.map(({ isNew }) => isNew).sort()).toEqual([false, true]);
    expect(steps.filter((text) => text.startsWith('waiting'))).toHaveLength(1);
    expect(steps.filter((text) => text === 'linking')).toHaveLength(1);
  });
});

describe('nothing is left under a final name', () => {
  it('where the compiler gives errors, of which the first are told', async () => {
    const { folder, env } = machine('echo "a.cc:1:2: error: no such type" >&2; echo more >&2; exit 1');
    await expect(setUpWith(works, { folder, env })).rejects.toMatchObject({
      code: 'SETUP',
      message: expect.stringMatching(
        /c\+\+ cannot compile \w+\.cc: a\.cc:1:2: error: no such type\. g\+\+/,
      ) as string,
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('where it is stopped', async () => {
    const stop = new AbortController();
    const { folder, env } = machine('echo started; exec /bin/sleep 600');
    const log = (text: string): void => {
      if (text === 'started\n') stop.abort();
    };
    const stopped = setUpWith(works, { folder, env, log, signal: stop.signal });
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('where its process is killed, and the next one clears up', async () => {
    const module = fileURLToPath(new URL('../../dist/setup/index.js', import.meta.url));
    if (!existsSync(module))
      throw new Error('packages/libtorch is not built, and this runs it: npm run build');
    const { folder, env } = machine(
      'echo started; while kill -0 $PPID; do /bin/sleep 1; done 2>/dev/null; exit 1',
    );
    const program = `
      import { setupLibTorch } from ${JSON.stringify(module)};
      await setupLibTorch({ folder: ${JSON.stringify(folder)}, log: (text) => process.stdout.write(text) });`;
    const args = ['--input-type=module', '-e', program];
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const text of child.stdout) if (String(text).includes('started')) break;
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(readdirSync(folder).sort()).toEqual([expect.stringMatching(/\.tmp$/), 'setup.lock']);
    const { PATH, ...rest } = env;
    writeFileSync(join(PATH, 'c++'), `#!/bin/sh\n${compiler()}`);
    expect(await setUpWith(works, { folder, env: { ...rest, PATH } })).toMatchObject({ isNew: true });
    expect(readdirSync(folder).sort()).toEqual([expect.stringMatching(/^2\.13\.0/), 'current.json']);
  });

  it('where the folder cannot be made', async () => {
    const { env } = machine();
    const folder = join(writeFiles(join(root, 'file'), { file: '' }), 'file/builds');
    const wanted = {
      code: 'SETUP',
      message: expect.stringContaining(`cannot set up in ${folder}: ENOTDIR`) as string,
    };
    await expect(setUpWith(works, { folder, env })).rejects.toMatchObject(wanted);
  });
});

it('an addon that does not work is not used', async () => {
  const { folder, env } = machine();
  const message = /^the addon was built, but does not work: .*libtorch\.node/;
  const wanted = { code: 'SETUP', message: expect.stringMatching(message) as string };
  await expect(setupLibTorch({ folder, env })).rejects.toMatchObject(wanted);
  expect(currentBuild(folder)).toBeUndefined();
});

describe('the state', () => {
  it('names what is missing without an error', async () => {
    const env = { PATH: '', LIBTORCH: root, NODE_HEADERS: root };
    const state = await libtorchState({ folder: join(root, 'nowhere'), env });
    expect(state).toMatchObject({
      libtorch: { missing: expect.stringContaining(`LIBTORCH is ${root}`) as string },
      python: { missing: 'there is no python3 that works' },
      compiler: { missing: expect.stringContaining('a C++ compiler is needed') as string },
      headers: { missing: expect.stringContaining(`NODE_HEADERS is ${root}`) as string },
      addon: { state: 'missing' },
    });
  });

  it('of the addon is stale where LibTorch, Node or the sources are others than it was built for', async () => {
    const { folder, env, libtorch } = machine();
    const { addon } = await setUpWith(works, { folder, env });
    const state = async () => (await libtorchState({ folder, env })).addon;
    expect(await state()).toMatchObject({ state: 'current', build: { addon } });
    const facts = join(addon, '../build.json');
    const built = readFileSync(facts, 'utf8');
    for (const [change, why] of [
      [{ node: '18.0.0' }, `it was built for Node 18.0.0, and this is ${process.versions.node}`],
      [{ sources: 'other' }, 'it was built from the sources of another version of this package'],
      [{ version: '2.12.0' }, `it was built for LibTorch 2.12.0, and ${libtorch} now has 2.13.0+cpu`],
    ] as const) {
      writeFileSync(facts, JSON.stringify({ ...(JSON.parse(built) as object), ...change }));
      expect(await state()).toMatchObject({ state: 'stale', why });
    }
    writeFileSync(facts, built);
    rmSync(libtorch, { recursive: true });
    const why = `there is no LibTorch in ${libtorch} any more`;
    expect(await state()).toMatchObject({ state: 'stale', why });
  });

  it('names the GPUs that the driver knows', async () => {
    const { folder, env } = machine();
    const gpu = async (script: string) => {
      const PATH = programs(root, { 'nvidia-smi': script });
      return (await libtorchState({ folder, env: { ...env, PATH } })).gpu;
    };
    expect(await gpu('echo "H100, 81559 MiB"')).toEqual({ found: 'H100, 81559 MiB' });
    const missing = expect.stringContaining('nvidia-smi finds none: no devices') as string;
    expect(await gpu('echo no devices >&2; exit 9')).toEqual({ missing });
  });
});
