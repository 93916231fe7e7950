import { mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  libtorchFiles,
  makesEnvironments,
  programs,
  pythonWith,
  writeFiles,
} from '../../test/fake-machine.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { findLibTorch, obtainLibTorch } from './find-libtorch.ts';

const root = temporaryFolder();
const unpacked = writeFiles(join(root, 'named'), libtorchFiles('2.13.0+cpu', 'archive'));
const packaged = writeFiles(join(root, 'site/torch'), libtorchFiles('2.14.1+cu130'));
const old = writeFiles(join(root, 'old/torch'), libtorchFiles('2.10.1'));
const nobody = { LIBTORCH_ARCHIVE: 'http://127.0.0.1:1' };

const ignored = (): void => undefined;

function builds(): string {
  return mkdtempSync(join(root, 'builds-'));
}

describe('LibTorch is found', () => {
  it('in LIBTORCH before any Python', async () => {
    const PATH = programs(root, { python3: pythonWith(packaged) });
    const { libtorch } = await findLibTorch({ folder: builds(), env: { PATH, LIBTORCH: unpacked } });
    expect(libtorch).toEqual({ folder: unpacked, version: '2.13.0+cpu', from: 'LIBTORCH' });
  });

  it('in the Python that PYTHON names before python3, and in python after it', async () => {
    const PATH = programs(root, { python3: pythonWith(null), python: pythonWith(packaged) });
    const own = join(programs(root, { own: pythonWith(packaged) }), 'own');
    const named = await findLibTorch({ folder: builds(), env: { PATH, PYTHON: own } });
    expect(named.libtorch).toMatchObject({ from: own });
    const { libtorch, python, passedOver } = await findLibTorch({ folder: builds(), env: { PATH } });
    expect(libtorch).toEqual({ folder: packaged, version: '2.14.1+cu130', from: join(PATH, 'python') });
    expect(python?.program).toBe(join(PATH, 'python3'));
    expect(passedOver).toEqual(['LIBTORCH is not set', `${join(PATH, 'python3')} has no torch`]);
  });

  it('in what was installed before, where no Python has one that is new enough', async () => {
    const folder = builds();
    const archive = writeFiles(join(folder, 'libtorch-2.13.0'), libtorchFiles('2.13.0+cpu', 'archive'));
    const PATH = programs(root, { python3: pythonWith(old), python: 'echo Python 2; exit' });
    const find = () => findLibTorch({ folder, env: { PATH } });
    const { libtorch, passedOver } = await find();
    expect(libtorch).toMatchObject({ folder: archive, from: "PyTorch's archive" });
    expect(passedOver.slice(1)).toEqual([
      `${join(PATH, 'python3')} has ${old}, and it is LibTorch 2.10.1, and 2.11 or newer is needed`,
      `${join(PATH, 'python')} does not work: it printed something else`,
    ]);
    const torch = join(folder, 'python/lib/python3.12/site-packages/torch');
    writeFiles(torch, libtorchFiles('2.13.0+cu130'));
    expect((await find()).libtorch).toMatchObject({ folder: torch, from: 'a private Python environment' });
  });

  it('in the build that is used, where its Python is out of sight', async () => {
    const folder = builds();
    writeFiles(folder, { 'current.json': JSON.stringify({ libtorch: packaged }) });
    const { libtorch } = await findLibTorch({ folder, env: { PATH: '' } });
    expect(libtorch).toMatchObject({ folder: packaged, from: 'the build in use' });
  });
});

describe('a wrong LIBTORCH is an error and not passed over:', () => {
  const { 'include/ATen/ATen.h': _, ...headless } = libtorchFiles('2.13.0');
  const { 'version.py': __, ...nameless } = libtorchFiles('2.13.0');
  it.each([
    ['no folder', join(root, 'nowhere'), 'it is no folder'],
    ['an empty one', writeFiles(join(root, 'empty'), { a: '' }), 'there is no lib in it'],
    ['one without headers', writeFiles(join(root, 'headless'), headless), 'there is no include/ATen in it'],
    ['one without a version', writeFiles(join(root, 'nameless'), nameless), 'that says its version'],
    ['an old one', old, 'it is LibTorch 2.10.1, and 2.11 or newer is needed'],
    [
      'one of no version',
      writeFiles(join(root, 'odd'), libtorchFiles('x y')),
      'it is LibTorch x y, and 2.11 or newer is needed',
    ],
  ])('%s', async (_name, LIBTORCH, problem) => {
    const PATH = programs(root, { python3: pythonWith(packaged) });
    const finding = findLibTorch({ folder: builds(), env: { PATH, LIBTORCH } });
    await expect(finding).rejects.toMatchObject({
      code: 'SETUP',
      message: expect.stringMatching(`^LIBTORCH is ${LIBTORCH}, and .*${problem}\\. Set it to`) as string,
    });
  });
});

it.each([
  ['is not there', undefined, 'there is no such program'],
  ['fails', 'echo broken >&2; exit 1', 'does not work: broken'],
  ['is something else', 'echo hello', 'does not work: it printed something else'],
])('a PYTHON that %s is an error and not passed over', async (_, script, problem) => {
  const PATH = programs(root, { python3: pythonWith(packaged) });
  const PYTHON = join(programs(root, script === undefined ? {} : { own: script }), 'own');
  const steps: string[] = [];
  const obtaining = obtainLibTorch({
    folder: builds(),
    env: { PATH, PYTHON },
    onStep: (text) => steps.push(text),
  });
  await expect(obtaining).rejects.toMatchObject({
    code: 'SETUP',
    message: expect.stringMatching(`^PYTHON is ${PYTHON}, and .*${problem}\\. Set it to`) as string,
  });
  expect(steps).toEqual([]);
});

describe('where there is no LibTorch', () => {
  const steps: string[] = [];
  const obtain = (folder: string, env: Record<string, string>) =>
    obtainLibTorch({ folder, env: { ...nobody, ...env }, onStep: (text) => steps.push(text) });

  it('pip installs it in a private environment, which is found the next time', async () => {
    const folder = builds();
    const source = writeFiles(join(root, 'pip'), libtorchFiles('2.13.0+cu130'));
    const site = '"$root/lib/python3.11/site-packages"';
    const pip = `[ "$6" = torch==2.13.0 ] && /bin/mkdir -p ${site} && /bin/cp -R "${source}" ${site}/torch`;
    const PATH = programs(root, { python3: pythonWith(null, makesEnvironments(pip)) });
    const torch = join(folder, 'python/lib/python3.11/site-packages/torch');
    const made = { folder: torch, version: '2.13.0+cu130', from: 'a private Python environment' };
    expect(await obtain(folder, { PATH })).toEqual(made);
    expect(readdirSync(folder)).toEqual(['python']);
    const python = join(PATH, 'python3');
    expect(steps.splice(0)).toEqual([
      `there is no LibTorch (LIBTORCH is not set; ${python} has no torch; python is not there); ` +
        'LIBTORCH=folder or PYTHON=program names one',
      `installing PyTorch 2.13.0 by ${python} in ${join(folder, 'python')}: some GB`,
    ]);
    expect(await obtain(folder, { PATH: '' })).toEqual(made);
    expect(steps).toEqual([]);
  });

  it('and it cannot be had, every way is named with why it failed, and nothing is left', async () => {
    const folder = builds();
    const pip = 'echo "ERROR: No matching distribution found" >&2; exit 1';
    const PATH = programs(root, { python3: pythonWith(null, makesEnvironments(pip)) });
    const failed: unknown = await obtain(folder, { PATH }).catch((error: unknown) => error);
    expect(failed).toMatchObject({
      code: 'SETUP',
      hint: expect.stringContaining('pip install torch') as string,
    });
    const { message } = failed as Error;
    expect(message).toContain('LIBTORCH is not set; ');
    expect(message).toContain(`${join(PATH, 'python3')} has no torch; python is not there; `);
    expect(message).toContain('a private Python environment: ERROR: No matching distribution found');
    expect(message).toMatch(/archive(: http:\/\/127\.0\.0\.1:1\/libtorch.*: fetch failed| for )/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('and pip is stopped, nothing is left', async () => {
    const folder = builds();
    const stop = new AbortController();
    const PATH = programs(root, {
      python3: pythonWith(null, makesEnvironments('echo started; exec /bin/sleep 600')),
    });
    const log = (): void => stop.abort();
    const obtaining = obtainLibTorch({
      folder,
      env: { ...nobody, PATH },
      onStep: ignored,
      log,
      signal: stop.signal,
    });
    await expect(obtaining).rejects.toMatchObject({ code: 'ABORTED' });
    expect(readdirSync(folder)).toEqual([]);
  });
});
