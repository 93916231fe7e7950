import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTrainConfig } from '../configuration/read-config.ts';
import { fieldNames, type TrainConfig } from '../configuration/train-config.ts';
import { RunFolder } from '../run-folder.ts';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { writeTinyCheckpoint } from '../../../test/tiny-checkpoint.ts';
import type { EngineData } from './engine-data.ts';
import { EngineJournal } from './engine-journal.ts';
import type { EngineJob, JobParts } from './engine.ts';
import { openrlhf } from './openrlhf-job.ts';
import { shellWord } from './shell-words.ts';
import { escaped } from './verl-config.ts';
import { verl } from './verl-job.ts';
import { isWholeModel } from './whole-model.ts';

const engines = { openrlhf, verl };
const folder = temporaryFolder();

const data: EngineData = {
  rows: ['a', 'b', 'c'].map((id) => ({
    id,
    question: `why ${id}`,
    prompt: `<|im_start|>why ${id}`,
    prompt_ids: [1, 2, 3],
    messages: [{ role: 'user', content: `why ${id}` }],
    answer: JSON.stringify({ query: `why ${id}`, positives: [`about ${id}`] }),
  })),
  longestPrompt: 100,
  endTokens: [3],
  hash: 'hash',
};

const base = [
  'model_name_or_path=some/model',
  'train_data=x.jsonl',
  'reward=lexical',
  'num_processes=4',
  'num_generations=4',
  'generation_batch_size=32',
  'max_steps=32',
  'save_steps=4',
  'vllm_mode=colocate',
  'soft_punish_cache=10',
];

function configOf(set: readonly string[] = []): Promise<TrainConfig> {
  return readTrainConfig({ set: [...base, ...set], out: join(folder, 'run') });
}

async function jobOf(
  engine: keyof typeof engines,
  set: readonly string[] = [],
  parts: Partial<JobParts> = {},
): Promise<EngineJob> {
  return engines[engine].job({
    config: await configOf(set),
    folder: '/runs/one/engine',
    model: 'some/model',
    data,
    rewardUrl: 'http://127.0.0.1:8700',
    python: 'python3',
    ...parts,
  });
}

/** Values that are not those of {@link base}, for each field that a job says something of. */
const others: Partial<Record<keyof TrainConfig, readonly string[]>> = {
  reward_retries: ['reward_retries=2'],
  seed: ['seed=3'],
  max_steps: ['max_steps=64'],
  generation_batch_size: ['generation_batch_size=64'],
  num_generations: ['num_generations=8'],
  steps_per_generation: ['steps_per_generation=2'],
  num_iterations: ['num_iterations=2'],
  max_completion_length: ['max_completion_length=400'],
  temperature: ['temperature=0.9'],
  top_p: ['top_p=0.9'],
  top_k: ['top_k=20'],
  repetition_penalty: ['repetition_penalty=1.1'],
  learning_rate: ['learning_rate=2e-6'],
  lr_scheduler_type: ['lr_scheduler_type=linear'],
  min_lr_rate: ['min_lr_rate=0.2'],
  warmup_ratio: ['warmup_ratio=0.3'],
  weight_decay: ['weight_decay=0.2'],
  adam_beta1: ['adam_beta1=0.8'],
  adam_beta2: ['adam_beta2=0.9'],
  adam_epsilon: ['adam_epsilon=1e-7'],
  max_grad_norm: ['max_grad_norm=1'],
  loss_type: ['loss_type=grpo'],
  epsilon: ['epsilon=0.1'],
  epsilon_high: ['epsilon_high=0.3'],
  beta: ['beta=0.1'],
  scale_rewards: ['scale_rewards=none'],
  importance_sampling_correction: ['importance_sampling_correction=false'],
  importance_sampling_cap: ['importance_sampling_cap=3'],
  mask_truncated_completions: ['mask_truncated_completions=true'],
  soft_punish_cache: ['soft_punish_cache=20'],
  overlong_weight: ['overlong_weight=0.5'],
  tokens_per_micro_batch: ['tokens_per_micro_batch=700'],
  gradient_checkpointing: ['gradient_checkpointing=false'],
  bf16: ['bf16=false'],
  device: ['device=cpu'],
  generation_rows: ['generation_rows=4'],
  use_peft: ['use_peft=true'],
  num_processes: ['num_processes=8'],
  num_machines: ['num_machines=2'],
  zero_stage: ['zero_stage=3'],
  use_vllm: ['use_vllm=false'],
  vllm_mode: ['vllm_mode=server'],
  vllm_server_base_url: ['vllm_server_base_url=http://127.0.0.1:1'],
  vllm_tensor_parallel_size: ['vllm_tensor_parallel_size=2'],
  vllm_gpu_memory_utilization: ['vllm_gpu_memory_utilization=0.4'],
  save_steps: ['save_steps=8'],
  save_total_limit: ['save_total_limit=5'],
  log_completions_steps: ['log_completions_steps=0'],
};

/** Fields that are dealt with before or after a job, whatever the engine is. */
const elsewhere: Partial<Record<keyof TrainConfig, string>> = {
  model_name_or_path: 'JobParts.model',
  method: 'grpo alone, says engine-run.ts',
  train_data: 'JobParts.data',
  prompt: 'JobParts.data',
  reward: 'the server of rewards',
  reward_index: 'the server of rewards',
  output_dir: 'JobParts.folder',
  max_prompt_length: 'JobParts.data',
  lora_r: 'of use_peft',
  lora_alpha: 'of use_peft',
  lora_target_modules: 'of use_peft',
  eval_steps: 'told by engine-run.ts',
  eval_data: 'of eval_steps',
  eval_questions: 'of eval_steps',
  eval_collection: 'of eval_steps',
  eval_split: 'of eval_steps',
  eval_index: 'of eval_steps',
  eval_topics: 'of eval_steps',
  metric_for_best_model: 'of eval_steps',
  max_loss: 'engine-journal.ts',
};

describe.each(['openrlhf', 'verl'] as const)('a job for %s', (engine) => {
  it('says something of every field of a configuration, or refuses it by its name', async () => {
    expect([...Object.keys(others), ...Object.keys(elsewhere)].sort()).toEqual([...fieldNames].sort());
    const plain = JSON.stringify(await jobOf(engine));
    const silent: string[] = [];
    for (const [field, set] of Object.entries(others)) {
      const said = await jobOf(engine, set).then(JSON.stringify, (error: { where?: string; code: string }) =>
        error.code === 'USAGE' && error.where === field ? 'refused' : String(error),
      );
      if (said === plain || (said !== 'refused' && !said.startsWith('{'))) silent.push(`${field}: ${said}`);
    }
    expect(silent).toEqual([]);
  });

  it('refuses what cannot be divided', async () => {
    await expect(jobOf(engine, ['num_processes=5'])).rejects.toThrow(/^num_processes: 32 completions/);
    await expect(jobOf(engine, ['vllm_tensor_parallel_size=3'])).rejects.toThrow(
      /^vllm_tensor_parallel_size: /,
    );
    await expect(jobOf(engine, ['num_machines=3'])).rejects.toThrow(/^num_machines: 4 processes/);
    await expect(jobOf(engine, ['num_iterations=8', 'save_steps=4'])).rejects.toThrow(
      /^save_steps: .*whole rollouts, of 8 steps.*multiple of 8/,
    );
  });

  it('refuses a folder whose name its readers of data would take for a pattern', async () => {
    for (const name of ['/runs/a*/engine', '/runs/a,b/engine', '/runs/[a]/engine', '/runs/a@b/engine']) {
      await expect(jobOf(engine, [], { folder: name })).rejects.toThrow(/as more than a name.*Give --out/);
    }
  });

  it('has all questions of the run, in the order of a training here', async () => {
    const { files } = await jobOf(engine, ['num_iterations=2']);
    const rows = files['data.jsonl'].trim().split('\n');
    // 16 rollouts of 8 questions; of three in a row that begin at a multiple of three, each is there.
    expect(rows).toHaveLength(128);
    const questions = rows.map((row) => /why ([abc])/.exec(row)![1]);
    for (let i = 0; i + 3 <= questions.length; i += 3)
      expect(questions.slice(i, i + 3).sort()).toEqual(['a', 'b', 'c']);
  });

  it('has lines for a cluster that a shell reads, whatever the names are', async () => {
    const at = `/runs/it's "$(touch no)" \`no\` $HOME/engine`;
    const { cluster, files } = await jobOf(engine, [], { folder: at, python: '/opt/my env/python' });
    expect(spawnSync('bash', ['-n'], { input: cluster, encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(cluster).toContain(`cd ${shellWord(at)} || exit`);
    // What ray is given, by a ray that tells it: the words are put together with spaces, and read by a shell.
    const ray = 'ray() { printf "%s\\n" "$@"; }; cd() { :; }; tee() { cat; }\n';
    const { stdout } = spawnSync('bash', [], { input: ray + cluster, encoding: 'utf8' });
    expect(stdout.trim().split('\n')).toEqual([
      'job',
      'submit',
      '--address',
      'http://127.0.0.1:8265',
      '--runtime-env',
      'runtime-env.json',
      '--',
      'python3',
      '-c',
      expect.stringMatching(/^[\w ,;.'()[\]=]+$/),
    ]);
    expect(JSON.parse(files['runtime-env.json'])).toMatchObject({
      env_vars: { QUERN_JOB: at, QUERN_REWARD_URL: 'http://127.0.0.1:8700', QUERN_REWARD_RETRIES: '5' },
    });
  });

  it('runs on a Ray of its own on one machine, and on the one that was started on several', async () => {
    const one = await jobOf(engine);
    const two = await jobOf(engine, ['num_machines=2']);
    expect([one.training.environment['RAY_ADDRESS'], two.training.environment['RAY_ADDRESS']]).toEqual([
      'local',
      'auto',
    ]);
    expect(one.training.args).toEqual(['quern_ray.py', 'ray.json']);
  });

  it('reads no step from what is no line of its trainer, and never throws', async () => {
    const config = await configOf();
    const { lineOf } = engines[engine];
    for (const text of [
      '',
      '{"begun": -1}',
      '{"begun": 1, "x": 2}',
      ' step:1 - critic/score/mean:1',
      "(PPOTrainer pid=1) INFO 01-02 03:04:05 ppo_trainer.py:208] Sample: ['Global step 3: {}', 1.0]",
      "Sample: ✨ Global step 3: {'policy_loss': 1.0}",
      'step:1e3 - critic/score/mean:1',
      `step:${'9'.repeat(40)} - critic/score/mean:1`,
    ]) {
      expect([text, lineOf(text, config)]).toEqual([text, undefined]);
    }
    expect(lineOf('{"begun": 3}', { ...config, num_iterations: 2 })).toEqual({ step: 6, metrics: {} });
  });
});

it('tells that OpenRLHF brings no samples, where they are asked for', async () => {
  expect((await jobOf('openrlhf')).notes).toEqual([expect.stringContaining('log_completions_steps')]);
  expect((await jobOf('openrlhf', ['log_completions_steps=0'])).notes).toEqual([]);
});

it('keeps verl from reading references in names', () => {
  expect(escaped('a ${oc.env:HOME} \\${b} $c')).toBe('a \\${oc.env:HOME} \\\\\\${b} $c');
});

describe('checkpoints', () => {
  it('of OpenRLHF are those whose models are whole, and the one of the end', async () => {
    const at = join(folder, 'openrlhf');
    const config = { ...(await configOf()), num_iterations: 2 };
    expect(await openrlhf.checkpoints(at, config)).toEqual([]);
    for (const name of ['checkpoints/global_step2_hf', 'checkpoints/global_step10_hf', 'trained'])
      await writeTinyCheckpoint(join(at, name));
    await mkdir(join(at, 'checkpoints/global_step4_hf'), { recursive: true });
    await mkdir(join(at, 'checkpoints/_actor/global_step4'), { recursive: true });
    const found = await openrlhf.checkpoints(at, config);
    expect(found.map(({ step, model }) => [step, model])).toEqual([
      [4, join(at, 'checkpoints/global_step2_hf')],
      [20, join(at, 'checkpoints/global_step10_hf')],
      [32, join(at, 'trained')],
    ]);
    // Cut off while it was written.
    const weights = join(at, 'checkpoints/global_step10_hf/model.safetensors');
    writeFileSync(weights, Buffer.alloc(1000));
    expect((await openrlhf.checkpoints(at, config)).map(({ step }) => step)).toEqual([4, 32]);
  });

  it('of verl are those up to the one that it names', async () => {
    const at = join(folder, 'verl');
    const config = await configOf();
    for (const step of [4, 8, 12]) {
      await writeTinyCheckpoint(join(at, `checkpoints/global_step_${step}/actor/huggingface`));
      if (step !== 8) await writeFile(join(at, `checkpoints/global_step_${step}/data.pt`), '');
    }
    expect(await verl.checkpoints(at, config)).toEqual([]);
    await writeFile(join(at, 'checkpoints/latest_checkpointed_iteration.txt'), '8');
    expect((await verl.checkpoints(at, config)).map(({ step }) => step)).toEqual([4]);
    await writeFile(join(at, 'checkpoints/latest_checkpointed_iteration.txt'), '12');
    expect((await verl.checkpoints(at, config)).map(({ step }) => step)).toEqual([4, 12]);
  });

  it('have models of several files, each of which has to be there', async () => {
    const at = join(folder, 'sharded');
    await writeTinyCheckpoint(at, { shards: 2 });
    expect(await isWholeModel(at)).toBe(true);
    writeFileSync(join(at, 'tokenizer.json'), '{"model": ');
    expect(await isWholeModel(at)).toBe(false);
    expect(await isWholeModel(join(folder, 'nothing'))).toBe(false);
  });
});

it("takes over verl's rollouts once they are whole", async () => {
  const at = join(folder, 'rollouts-of-verl');
  mkdirSync(join(at, 'rollouts'), { recursive: true });
  const config = { ...(await configOf()), generation_batch_size: 4, num_iterations: 2 };
  const { files } = await jobOf('verl');
  writeFileSync(join(at, 'questions.jsonl'), files['questions.jsonl']);
  const lines = [0.25, 0.75, 0.25, 0.75].map((score, i) =>
    JSON.stringify({
      input: 'p',
      output: `text ${i}`,
      gts: data.rows[1].answer,
      score,
      step: 3,
      uid: `u_${i}_0`,
    }),
  );
  const path = join(at, 'rollouts', '3.jsonl');
  writeFileSync(path, lines.join('\n'));
  expect(await verl.samples!(at, config)).toEqual([]);
  writeFileSync(path, `${lines.join('\n')}\n`);
  const [sample] = await verl.samples!(at, config);
  expect(sample).toMatchObject({ step: 6, path });
  const records = await sample.records();
  expect(records).toHaveLength(1);
  expect(records[0]).toMatchObject({ step: 6, id: 'b', question: 'why b' });
  const { completions } = records[0] as { completions: { text: string; advantage: number }[] };
  expect(completions.map(({ text }) => text)).toEqual(['text 0', 'text 1', 'text 2', 'text 3']);
  expect(completions.map(({ advantage }) => Math.sign(advantage))).toEqual([-1, 1, -1, 1]);
});

async function journalOf(
  name: string,
  set: readonly string[] = [],
): Promise<{ journal: EngineJournal; log: string; run: RunFolder }> {
  const run = await RunFolder.open(join(folder, name), { resume: false });
  const job = join(run.path, 'engine');
  mkdirSync(job, { recursive: true });
  const config = await configOf(set);
  return {
    run,
    log: join(job, 'log.txt'),
    journal: new EngineJournal(verl, { job, folder: run, config, data: 'x' }),
  };
}

function stepLine(n: number, score: number): string {
  return `(TaskRunnerV1 pid=1) step:${n} - critic/score/mean:${score} - perf/total_num_tokens:100\n`;
}

describe('what is taken over of a log', () => {
  it('has tokens added up, and steps of a new attempt in place of those after its beginning', async () => {
    const { journal, log, run } = await journalOf('tokens');
    writeFileSync(log, `\n{"begun": 0}\n${stepLine(1, 0.1)}${stepLine(2, 0.2)}${stepLine(3, 0.3)}`);
    await journal.takeOver();
    writeFileSync(log, `\n{"begun": 2}\n${stepLine(3, 0.5)}`, { flag: 'a' });
    await journal.takeOver();
    expect((await run.metrics()).map((line) => [line.step, line['reward'], line['num_tokens']])).toEqual([
      [1, 0.1, 100],
      [2, 0.2, 200],
      [3, 0.5, 300],
    ]);
    await run.close();
  });

  it.each([
    ['nan', []],
    ['7.5', ['max_loss=7']],
  ])('tells of a loss of %s', async (loss, set) => {
    const { journal, log, run } = await journalOf(`loss ${loss}`, set);
    writeFileSync(log, `(TaskRunnerV1 pid=1) step:1 - actor/loss:np.float64(${loss}) - actor/entropy:1.5\n`);
    const { diverged } = await journal.takeOver();
    expect(diverged).toEqual({ step: 1, loss: Number(loss) });
    expect((await run.metrics())[0]).toMatchObject({ step: 1, entropy: 1.5 });
    await run.close();
  });
});
