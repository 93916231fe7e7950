/**
 * TRL for the tests of `quern train --engine trl`: in the environment of the tests' Python packages, at the versions and hashes of
 * engines/requirements/trl.txt. PyTorch, which is large, is LibTorch's own, where that came from Python packages.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What is not installed a second time: PyTorch and what it alone needs. */
const withTorch =
  /^(?:torch|triton|nvidia-|cuda-|sympy|mpmath|networkx|filelock|fsspec|jinja2|markupsafe|setuptools|typing-extensions)/;

/**
 * Installs it, unless it is there, while `libtorch` (a promise of LibTorch's folder, or of undefined) is still made ready. Returns
 * why not, or undefined. `runProgram` runs a program as `spawnSync` does, and does not block.
 */
export async function installTrl({ environment, requirements, libtorch, runProgram }) {
  if (!existsSync(join(environment, 'pyvenv.cfg'))) return 'there are no Python packages';
  const python = join(environment, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const stampFile = join(environment, '.trl-installed');
  const before = existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : '';
  const text = readFileSync(requirements, 'utf8');
  const lines = text.replaceAll(/\\\n\s*/g, ' ').split('\n');
  const wanted = lines.filter((line) => line !== '' && !withTorch.test(line)).join('\n');
  if (!before.startsWith(`${wanted}\n`)) {
    rmSync(stampFile, { force: true });
    const list = join(environment, 'trl.txt');
    writeFileSync(list, wanted);
    const quiet = ['--quiet', '--disable-pip-version-check'];
    const { status, stderr, error } = await runProgram(python, [
      '-m',
      'pip',
      'install',
      ...quiet,
      '--no-deps',
      '--require-hashes',
      '-r',
      list,
    ]);
    if (status !== 0) return (error?.message ?? stderr).trim().split('\n').at(-1);
  }
  const folder = await libtorch;
  const version = /torch==(\S+)/.exec(text)?.[1];
  if (folder === undefined || !existsSync(join(dirname(folder), `torch-${version}.dist-info`))) {
    rmSync(stampFile, { force: true });
    return `LibTorch is not PyTorch ${version} of Python`;
  }
  const stamp = `${wanted}\n${dirname(folder)}`;
  if (before === stamp) return undefined;
  const query = ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'];
  const { stdout } = await runProgram(python, query);
  writeFileSync(join(stdout.trim(), 'libtorch.pth'), `${dirname(folder)}\n`);
  writeFileSync(stampFile, stamp);
  return undefined;
}
