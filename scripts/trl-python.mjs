/**
 * TRL for the tests of `quern train --engine trl`: in the environment of the tests' Python packages, at the versions and hashes of
 * engines/requirements/trl.txt. PyTorch, which is large, is LibTorch's own, where that came from Python packages.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What is not installed a second time: PyTorch and what it alone needs. */
const withTorch =
  /^(?:torch|triton|nvidia-|cuda-|sympy|mpmath|networkx|filelock|fsspec|jinja2|markupsafe|setuptools|typing-extensions)/;

/** Installs it, unless it is there. Returns why not, or undefined. */
export function installTrl({ environment, requirements, libtorch }) {
  const stampFile = join(environment, '.trl-installed');
  const packages = dirname(libtorch);
  const version = /torch==(\S+)/.exec(readFileSync(requirements, 'utf8'))?.[1];
  if (!existsSync(join(environment, 'pyvenv.cfg'))) return 'there are no Python packages';
  if (!existsSync(join(packages, `torch-${version}.dist-info`)))
    return `LibTorch is not PyTorch ${version} of Python`;
  const python = join(environment, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const lines = readFileSync(requirements, 'utf8')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n');
  const wanted = lines.filter((line) => line !== '' && !withTorch.test(line)).join('\n');
  const stamp = `${wanted}\n${packages}`;
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return undefined;
  rmSync(stampFile, { force: true });
  const list = join(environment, 'trl.txt');
  writeFileSync(list, wanted);
  const args = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--no-deps',
    '--require-hashes',
    '-r',
    list,
  ];
  const { status, stderr, error } = spawnSync(python, args, { encoding: 'utf8' });
  if (status !== 0) return (error?.message ?? stderr ?? '').trim().split('\n').at(-1);
  const place = spawnSync(python, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'], {
    encoding: 'utf8',
  });
  writeFileSync(join(place.stdout.trim(), 'libtorch.pth'), `${packages}\n`);
  writeFileSync(stampFile, stamp);
  return undefined;
}
