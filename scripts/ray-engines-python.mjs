/**
 * OpenRLHF and verl for the tests of `quern train --engine openrlhf` and `--engine verl`: their own code, whose parsers, losses and
 * loggers run without a GPU, beside what reads verl's configuration, at the versions and hashes of engines/requirements. They are in
 * a folder of their own in the environment of the tests' Python packages, as what they ask for is not installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is installed, by the lists that pin it. */
const wanted = {
  'openrlhf.txt': /^openrlhf==/,
  'verl.txt': /^(?:verl|hydra-core|omegaconf|antlr4-python3-runtime)==/,
};

/** Installs them, unless they are there. Returns why not, or undefined. */
export function installRayEngines({ environment, requirements }) {
  if (!existsSync(join(environment, '.trl-installed'))) return 'PyTorch and transformers are not there';
  const target = join(environment, 'ray-engines');
  const stampFile = join(target, '.installed');
  const lines = Object.entries(wanted).flatMap(([name, form]) =>
    readFileSync(join(requirements, name), 'utf8')
      .replaceAll(/\\\n\s*/g, ' ')
      .split('\n')
      .filter((line) => form.test(line)),
  );
  const list = `${lines.join('\n')}\n`;
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === list) return undefined;
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const file = join(environment, 'ray-engines.txt');
  writeFileSync(file, list);
  const python = join(environment, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const options = [
    '--quiet',
    '--disable-pip-version-check',
    '--no-deps',
    '--require-hashes',
    '--target',
    target,
  ];
  const { status, stderr, error } = spawnSync(python, ['-m', 'pip', 'install', ...options, '-r', file], {
    encoding: 'utf8',
  });
  if (status !== 0) {
    rmSync(target, { recursive: true, force: true });
    return (error?.message ?? stderr ?? '').trim().split('\n').at(-1);
  }
  writeFileSync(stampFile, list);
  return undefined;
}
