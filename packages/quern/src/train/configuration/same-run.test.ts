import { expect, it } from 'vitest';
import { readTrainConfig } from './read-config.ts';
import { sameRun } from './same-run.ts';
import type { TrainConfig } from './train-config.ts';

const smoke = (...set: string[]): Promise<TrainConfig> =>
  readTrainConfig({ preset: 'smoke', set, out: 'run' });

it('a run goes on with more steps, other checkpoints, validation and logs, elsewhere', async () => {
  const changed = await smoke(
    'max_steps=9',
    'save_steps=3',
    'save_total_limit=5',
    'eval_data=[a, b]',
    'eval_collection=bright:biology',
    'log_completions_steps=2',
    'output_dir=moved',
    'reward_retries=0',
    'device=cpu',
  );
  expect(sameRun(await smoke(), changed)).toEqual([]);
});

it('what the steps depend on must stay, and is named', async () => {
  const changed = await smoke('seed=1', 'train_data=[other]', 'lora_target_modules=[q_proj]', 'bf16=false');
  expect(sameRun(await smoke(), changed)).toEqual(['train_data', 'seed', 'bf16', 'lora_target_modules']);
});

it("a reward's server may be at another address, but is no reward computed here", async () => {
  const [first, second] = ['http://127.0.0.1:1/r', 'https://other/r'].map((at) => `reward=${at}`);
  expect(sameRun(await smoke(first), await smoke(second))).toEqual([]);
  expect(sameRun(await smoke(first), await smoke('reward=lexical'))).toEqual(['reward']);
});

it('epsilon_high is no other where it is written out', async () => {
  expect(sameRun(await smoke(), await smoke('epsilon_high=0.2'))).toEqual([]);
});
