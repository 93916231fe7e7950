import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compiler, libtorchFiles, programs, writeFiles } from '../../test/fake-machine.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { addonState, nativeFolder, sourcesHash } from '../location.ts';
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
    const check: AddonCheck = async (path) => {
      tried.push(...readdirSync(path).sort());
      expect(addonState(folder, {})).toEqual({ state: 'missing' });
      expect(readdirSync(folder).sort()).toEqual([expect.stringMatching(/\.tmp$/), 'setup.lock']);
    };
    const ready = await setUpWith(check, { folder, env, onStep: (text) => steps.push(text) });
    const facts = { libtorch, version: '2.13.0+cpu', node: process.versions.node, sources: sourcesHash() };
    expect(ready).toMatchObject({ ...facts, compiler: 'fake c++ 1.0', from: 'LIBTORCH', isNew: true });
    expect(tried).toEqual(['build.json', 'libtorch.node']);
    const { from: _, isNew: __, ...build } = ready;
    expect(addonState(folder, {})).toEqual({ state: 'current', build });
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

  it.each<[string, (addon: string) => void]>([
    ['the addon was removed', (addon) => rmSync(addon)],
    ['the addon was cut off', (addon) => truncateSync(addon, 2)],
    ['the addon was changed', (addon) => writeFileSync(addon, 'mode\n')],
    ['a folder has its name', (addon) => (rmSync(addon), mkdirSync(addon))],
    ['build.json was damaged', (addon) => writeFileSync(join(addon, '../build.json'), '{}')],
    ['build.json was removed', (addon) => rmSync(join(addon, '../build.json'))],
  ])('builds again where %s', async (_, damage) => {
    const { folder, env } = machine();
    const { from: _from, isNew: _isNew, ...build } = await setUpWith(works, { folder, env });
    damage(build.addon);
    expect(await setUpWith(works, { folder, env })).toMatchObject({ ...build, isNew: true });
    expect(addonState(folder, env)).toEqual({ state: 'current', build });
  });

  it('keeps the builds for several LibTorches, and uses the last that was set up', async () => {
    const { folder, env } = machine();
    const other = { ...env, LIBTORCH: machine().libtorch };
    const inUse = () => {
      const found = addonState(folder, {});
      return found.state === 'current' ? found.build.addon : found;
    };
    const first = await setUpWith(works, { folder, env });
    const second = await setUpWith(works, { folder, env: other });
    expect(inUse()).toBe(second.addon);
    expect(await setUpWith(fails, { folder, env })).toEqual({ ...first, isNew: false });
    expect(inUse()).toBe(first.addon);
    expect(addonState(folder, other)).toMatchObject({ state: 'current', build: { addon: second.addon } });
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

  it('where the disk is full, which is not the fault of the compiler', async () => {
    const { folder, env } = machine('echo "cp: a.o: No space left on device" >&2; echo oh >&2; exit 1');
    await expect(setUpWith(works, { folder, env })).rejects.toMatchObject({
      code: 'SETUP',
      message: expect.stringContaining('a.o: No space left on device') as string,
      hint: expect.stringMatching(/^The disk, or your part of it, is full\. Make room/) as string,
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('where the addon does not work, and a better compiler builds another', async () => {
    const { folder, env } = machine();
    await expect(setUpWith(fails, { folder, env })).rejects.toThrow('it was tried');
    expect(readdirSync(folder)).toEqual([]);
    expect(await setUpWith(works, { folder, env })).toMatchObject({ isNew: true });
  });

  it('where the compiler makes nothing and says that it did', async () => {
    const { folder, env } = machine();
    const CXX = join(programs(root, { true: 'exit 0' }), 'true');
    await expect(setUpWith(works, { folder, env: { ...env, CXX } })).rejects.toMatchObject({
      code: 'SETUP',
      message: expect.stringContaining(`${CXX} linked nothing`) as string,
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

  it.skipIf(process.platform !== 'linux')('where the system makes no folders', async () => {
    const { env } = machine();
    const wanted = {
      code: 'SETUP',
      message: expect.stringContaining('cannot set up in /proc/none/builds: ENOENT') as string,
    };
    await expect(setUpWith(works, { folder: '/proc/none/builds', env })).rejects.toMatchObject(wanted);
  });
});

it('an addon that does not work is not used', async () => {
  const { folder, env } = machine();
  const message = /^the addon was built, but does not work: .*cannot be loaded \(.*libtorch\.node/;
  const wanted = { code: 'SETUP', message: expect.stringMatching(message) as string };
  await expect(setupLibTorch({ folder, env })).rejects.toMatchObject(wanted);
  expect(readdirSync(folder)).toEqual([]);
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

  it('of the addon is that which was set up', async () => {
    const { folder, env, libtorch } = machine();
    const { addon } = await setUpWith(works, { folder, env });
    const state = async () => (await libtorchState({ folder, env })).addon;
    expect(await state()).toMatchObject({ state: 'current', build: { addon } });
    rmSync(libtorch, { recursive: true });
    const why = `there is no LibTorch in ${libtorch} any more`;
    expect(await state()).toEqual({ state: 'stale', why });
  });

  it('says what is wrong with PYTHON, also where LIBTORCH is right', async () => {
    const { folder, env } = machine();
    const missing = 'PYTHON is nothing, and there is no such program. Set it to a Python 3, or leave it out';
    const state = await libtorchState({ folder, env: { ...env, PYTHON: 'nothing' } });
    expect(state).toMatchObject({ libtorch: { found: { from: 'LIBTORCH' } }, python: { missing } });
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
