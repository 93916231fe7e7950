/** What `quern train` says of engines before anything is made. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { quern } from './run-quern.ts';
import { questionsFile } from './small-training.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const questions = questionsFile(folder);

it.each([
  [['--set', 'num_processes=2'], 'num_processes 2: a training here is one process.*--engine trl'],
  [['--python', 'python3'], '--python: is for other engines'],
  [['--engine', 'trl', '--python', ''], '--python: is no program that can be started'],
  [['--engine', 'trl', '--set', 'num_machines=2', '--set', 'num_processes=3'], 'num_machines'],
  [['--engine', 'deepspeed'], 'Allowed choices are libtorch, trl, openrlhf, verl'],
])('refuses %j', async (args, message) => {
  const out = join(folder, 'run');
  const { code, stderr } = await quern([
    'train',
    '--preset',
    'smoke',
    '--set',
    `train_data=${questions}`,
    '--out',
    out,
    ...args,
  ]);
  expect(stderr).toMatch(new RegExp(message));
  expect(code).toBeGreaterThan(0);
  expect(existsSync(out)).toBe(false);
});

it('is followed by train collect only where there is a job', async () => {
  const { code, stderr } = await quern(['train', 'collect', folder]);
  expect(stderr).toMatch(/holds no run on another engine/);
  expect(code).toBe(1);
});
