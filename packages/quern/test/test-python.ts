import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const folder = resolve(import.meta.dirname, 'runtimes/python');
export const testPythonProgram = join(
  folder,
  'venv',
  process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python',
);

/** Whether the Python packages that tests need are installed (`scripts/setup.mjs --tests`). */
export const hasTestPython = existsSync(join(folder, 'venv', '.quern-installed'));

/** Whether TRL is there too, at the versions of engines/requirements/trl.txt. */
export const hasTrl = hasTestPython && existsSync(join(folder, 'venv', '.trl-installed'));

/** Where OpenRLHF and verl are, at the versions of engines/requirements; undefined where they are not. */
export const rayEnginesFolder = existsSync(join(folder, 'venv', 'ray-engines', '.installed'))
  ? join(folder, 'venv', 'ray-engines')
  : undefined;

/** What a script of `oracles/curate` prints as JSON. Throws, with what it said, where it fails. */
export function testPython<T>(script: string, ...args: readonly string[]): T {
  const path = resolve(import.meta.dirname, 'oracles/curate', script);
  const { status, stdout, stderr } = spawnSync(testPythonProgram, [path, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: {
      ...process.env,
      HF_HUB_OFFLINE: '1',
      HF_HOME: join(folder, 'venv', 'hf'),
      PYTHONIOENCODING: 'utf8',
    },
  });
  if (status !== 0) throw new Error(`${script} exited with ${status}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
