import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { libtorchState } from '@quern/libtorch/setup';
import { expect, it } from 'vitest';
import { quern, quernJson, startQuern, finished } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';

const root = temporaryFolder();
const { addon: own } = await libtorchState();

/** An environment with a folder that looks like LibTorch, and a compiler that is this script of a shell. */
function environment(name: string, compiler: string): Record<string, string> {
  const folder = join(root, name);
  const library = process.platform === 'darwin' ? 'libtorch_cpu.dylib' : 'libtorch_cpu.so';
  for (const inner of ['lib', 'include/ATen', 'include/torch/csrc/api/include', 'headers']) {
    mkdirSync(join(folder, inner), { recursive: true });
  }
  for (const file of [`lib/${library}`, 'headers/node_api.h']) writeFileSync(join(folder, file), '');
  writeFileSync(join(folder, 'version.py'), "__version__ = '2.13.0'\n");
  const CXX = join(folder, 'cxx');
  const script = `#!/bin/sh\nif [ "$1" = --version ]; then echo fake; exit; fi\n${compiler}\n`;
  writeFileSync(CXX, script, { mode: 0o755 });
  return {
    LIBTORCH_BUILDS: '',
    LIBTORCH: folder,
    NODE_HEADERS: join(folder, 'headers'),
    CXX,
    QUERN_CACHE: join(folder, 'cache'),
  };
}

it('says what a wrong LIBTORCH lacks, and exits with 1', async () => {
  const env = { LIBTORCH_BUILDS: '', QUERN_CACHE: join(root, 'cache'), LIBTORCH: root };
  const { code, stdout, stderr } = await quern(['setup', 'torch'], { env });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain(`quern: LIBTORCH is ${root}, and there is no lib in it. Set it to`);
  expect(existsSync(env.QUERN_CACHE)).toBe(false);
});

it('says that PYTHON is none, and fetches nothing', async () => {
  const QUERN_CACHE = join(root, 'none');
  const env = { LIBTORCH_BUILDS: '', QUERN_CACHE, LIBTORCH: '', PYTHON: '/nope/python' };
  const { code, stdout, stderr } = await quern(['setup', 'torch'], { env });
  const why = 'PYTHON is /nope/python, and there is no such program. Set it to a Python 3, or leave it out';
  expect([code, stdout, stderr]).toEqual([1, '', `quern: ${why}\n`]);
  expect(existsSync(QUERN_CACHE)).toBe(false);
});

it('says the first error of the compiler, and leaves nothing', async () => {
  const env = environment('broken', 'echo "a.cc:1:1: error: no such header" >&2; exit 1');
  const { code, stdout, stderr } = await quern(['setup', 'torch', '--json'], { env });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^quern: .* cannot compile \w+\.cc: a\.cc:1:1: error: no such header\. g\+\+/m);
  expect(readdirSync(join(env.QUERN_CACHE, 'libtorch'))).toEqual([]);
});

it('is stopped by Ctrl-C, and leaves nothing', async () => {
  const env = environment('slow', 'touch "$0.started"; exec sleep 600');
  const child = startQuern(['setup', 'torch'], { env });
  const ended = finished(child);
  await expect.poll(() => existsSync(`${env.CXX}.started`), { timeout: 60_000 }).toBe(true);
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  expect(code).toBe(1);
  expect(stderr).toContain('quern: stopped on request');
  expect(readdirSync(join(env.QUERN_CACHE, 'libtorch'))).toEqual([]);
});

it.skipIf(own.state !== 'current')('does nothing where all is there, and says where', async () => {
  if (own.state !== 'current') return;
  const { libtorch, version, addon } = own.build;
  const env = { LIBTORCH: libtorch };
  const wanted = { libtorch, version, addon, from: 'LIBTORCH', isNew: false };
  expect(await quernJson(['setup', 'torch'], { env })).toMatchObject(wanted);
  const { code, stdout, stderr } = await quern(['setup', 'torch'], { env });
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^LibTorch .* \(LIBTORCH\)\naddon in .*: was built before\n$/);
});

it('shows examples', async () => {
  const { code, stdout } = await quern(['setup', 'torch', '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Examples:\n( {2}\$ .*quern setup torch.*\n)+$/m);
});
