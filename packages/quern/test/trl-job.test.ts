/** A configuration as a job for TRL: arguments, launchers, and the script for a cluster, which is run with stand-ins for Slurm. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { readTrainConfig } from '../src/train/configuration/read-config.ts';
import type { EngineJob, JobParts } from '../src/train/engines/engine.ts';
import { trl } from '../src/train/engines/trl-job.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();

beforeEach(() => {
  vi.stubEnv('CUDA_VISIBLE_DEVICES', undefined);
});

function configOf(set: readonly string[] = []) {
  return readTrainConfig({
    preset: 'tongsearch-1.5b',
    set: ['train_data=x', ...set],
    out: join(folder, 'run'),
  });
}

async function jobOf(set: readonly string[], parts: Partial<JobParts> = {}): Promise<EngineJob> {
  const config = await configOf(set);
  return trl.job({
    config,
    folder: '/job',
    model: 'Qwen/Qwen2.5-1.5B-Instruct',
    data: {
      rows: [{ id: 'a', question: 'q', prompt: 'p', prompt_ids: [1], messages: [], answer: '{}' }],
      longestPrompt: 500,
      endTokens: [1],
      hash: '',
    },
    rewardUrl: 'http://127.0.0.1:8700',
    python: 'python3',
    ...parts,
  });
}

function argumentsOf({ files }: EngineJob): Record<string, unknown> {
  return (JSON.parse(files['trl.json']) as { arguments: Record<string, unknown> }).arguments;
}

it("is the paper's set-up: DeepSpeed ZeRO-2 under accelerate, completions by vLLM on a GPU of its own", async () => {
  const job = await jobOf(['num_processes=4']);
  expect(parse(job.files['accelerate.yaml'])).toMatchObject({
    distributed_type: 'DEEPSPEED',
    num_processes: 4,
    num_machines: 1,
    deepspeed_config: { deepspeed_config_file: 'deepspeed.json', zero3_init_flag: false },
  });
  expect(JSON.parse(job.files['deepspeed.json'])).toMatchObject({ zero_optimization: { stage: 2 } });
  expect(job.services).toHaveLength(1);
  expect(job.services[0].args.slice(0, 3)).toEqual(['-m', 'trl.cli.main', 'vllm-serve']);
  expect(job.services[0].environment).toEqual({ CUDA_VISIBLE_DEVICES: '4' });
  expect(job.training.environment['CUDA_VISIBLE_DEVICES']).toBe('0,1,2,3');
  expect(argumentsOf(job)).toMatchObject({
    use_vllm: true,
    vllm_mode: 'server',
    vllm_server_base_url: 'http://127.0.0.1:8000',
    bf16: true,
    use_cpu: false,
    num_generations: 16,
    temperature: 1,
    beta: 0.008,
  });
});

it('divides a step among processes', async () => {
  const {
    per_device_train_batch_size: each,
    gradient_accumulation_steps: passes,
    generation_batch_size: all,
  } = argumentsOf(await jobOf(['num_processes=8']));
  expect(Number(each) * Number(passes) * 8).toBe(all);
});

it('has vLLM in the trainer, elsewhere or not at all, as it is told', async () => {
  const colocated = await jobOf(['vllm_mode=colocate', 'vllm_gpu_memory_utilization=0.3']);
  expect(colocated.services).toEqual([]);
  expect(argumentsOf(colocated)).toMatchObject({ vllm_mode: 'colocate', vllm_gpu_memory_utilization: 0.3 });
  const elsewhere = await jobOf(['vllm_server_base_url=http://10.0.0.1:9000']);
  expect(elsewhere.services).toEqual([]);
  expect(argumentsOf(elsewhere)).toMatchObject({ vllm_server_base_url: 'http://10.0.0.1:9000' });
  const without = argumentsOf(await jobOf(['use_vllm=false']));
  expect(without).toMatchObject({ use_vllm: false });
  expect(Object.keys(without).filter((name) => name.startsWith('vllm_'))).toEqual([]);
});

it('refuses processes that machines cannot share evenly', async () => {
  await expect(jobOf(['num_processes=32', 'num_machines=5'])).rejects.toThrow(
    /32 processes cannot be divided among 5 machines/,
  );
});

it('is for processors without DeepSpeed and vLLM', async () => {
  const job = await jobOf(['device=cpu', 'num_processes=2']);
  expect(Object.keys(job.files).sort()).toEqual(['accelerate.yaml', 'data.jsonl', 'trl.json']);
  // PyYAML would read a bare no as false.
  expect(job.files['accelerate.yaml']).toContain('mixed_precision: "no"');
  expect(argumentsOf(job)).toMatchObject({ use_cpu: true, bf16: false, ddp_backend: 'gloo' });
  expect(job.training.environment).toMatchObject({ ACCELERATE_USE_CPU: 'true' });
  // With a backend, accelerate asks the group of processes, which a single one has not.
  expect(argumentsOf(await jobOf(['device=cpu', 'num_processes=1']))).not.toHaveProperty('ddp_backend');
});

it('names a backend only where there are several processes, as accelerate looks for others then', async () => {
  expect(argumentsOf(await jobOf(['device=cpu']))).not.toHaveProperty('ddp_backend');
});

it('has TRL log a loss that is no number as that', async () => {
  expect(argumentsOf(await jobOf([]))).toMatchObject({ logging_nan_inf_filter: false });
});

it('repeats questions that are fewer than those of a rollout, of which TRL would make none', async () => {
  const data = (await jobOf(['generation_batch_size=32', 'num_generations=4'])).files['data.jsonl'];
  expect(data.trimEnd().split('\n')).toHaveLength(8);
});

it('takes GPUs of those alone that are visible, and not more of them than it has processes', async () => {
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '6,7,GPU-a');
  const served = await jobOf(['num_processes=2']);
  expect(served.training.environment['CUDA_VISIBLE_DEVICES']).toBe('6,7');
  expect(served.services[0].environment).toEqual({ CUDA_VISIBLE_DEVICES: 'GPU-a' });
  const alone = await jobOf(['zero_stage=0', 'vllm_mode=colocate']);
  expect(alone.training.environment['CUDA_VISIBLE_DEVICES']).toBe('6');
});

it('refuses a GPU by its number, and processes that machines cannot have as many of', async () => {
  await expect(jobOf(['device=cuda:3'])).rejects.toThrow(/device: not on trl/);
  await expect(jobOf(['num_processes=3', 'num_machines=2'])).rejects.toThrow(
    /3 processes cannot be divided among 2 machines/,
  );
});

it('writes LoRA as PEFT takes it', async () => {
  const { lora } = JSON.parse((await jobOf(['use_peft=true', 'lora_r=8'])).files['trl.json']) as {
    lora: object;
  };
  expect(lora).toMatchObject({ r: 8, target_modules: 'all-linear', task_type: 'CAUSAL_LM' });
});

it('reads steps, beginnings, and nothing else from the log', async () => {
  const config = await configOf();
  expect(trl.lineOf('{"begun": 4}', config)).toEqual({ step: 4, metrics: {} });
  expect(
    trl.lineOf(
      '{"step": 5, "epoch": 0.5, "reward": 0.25, "rewards/quern/mean": 0.25, "rewards/lexical/mean": 0.3}',
      config,
    ),
  ).toEqual({ step: 5, metrics: { epoch: 0.5, reward: 0.25, 'rewards/lexical/mean': 0.3 } });
  expect(trl.lineOf('{"step": 5, "train_runtime": 20}', config)).toBeUndefined();
  expect(trl.lineOf('Traceback (most recent call last):', config)).toBeUndefined();
});

it('takes a checkpoint for one when all processes have written it', async () => {
  const job = join(folder, 'checkpoints-of');
  for (const name of ['checkpoint-10', 'checkpoint-9', 'checkpoint-x'])
    mkdirSync(join(job, 'checkpoints', name), { recursive: true });
  expect(await trl.checkpoints(job, await configOf())).toEqual([]);
  for (const name of ['checkpoint-10', 'checkpoint-9', 'checkpoint-x'])
    writeFileSync(join(job, 'checkpoints', name, 'whole'), '');
  expect((await trl.checkpoints(job, await configOf())).map(({ step }) => step)).toEqual([9, 10]);
});

/** Runs a job's cluster.sh on four nodes that are none, and returns what srun was told, one list of words a call. */
function onCluster(
  cluster: string,
  at: string,
  description: object = { vllm_server_base_url: 'http://127.0.0.1:8000' },
): string[][] {
  const bin = join(at, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(at, 'cluster.sh'), cluster);
  writeFileSync(join(at, 'trl.json'), JSON.stringify(description, null, 2));
  writeFileSync(join(bin, 'scontrol'), '#!/bin/sh\nprintf "%s\\n" node1 node2 node3 node4\n');
  // A launch of bash is carried out on one node, where another stand-in says what is to be started.
  writeFileSync(
    join(bin, 'srun'),
    '#!/bin/bash\n{ printf "%s\\0" "$@"; printf "\\1"; } >> calls\n' +
      'while [ $# -gt 0 ] && [ "$1" != bash ]; do shift; done\n' +
      '[ $# -eq 0 ] || SLURM_PROCID=1 "$@"\n',
  );
  writeFileSync(
    join(bin, "it's python"),
    '#!/bin/bash\n{ printf "%s\\0" "$@"; printf "\\1"; } >> launched\n',
  );
  for (const name of ['scontrol', 'srun', "it's python"]) chmodSync(join(bin, name), 0o755);
  const { status, stderr } = spawnSync('bash', ['cluster.sh'], {
    cwd: at,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${bin}:${process.env['PATH']}`, SLURM_JOB_NODELIST: 'node[1-4]' },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return readFileSync(join(at, 'launched'), 'utf8')
    .split('\x01')
    .filter((call) => call !== '')
    .map((call) => call.split('\0').slice(0, -1));
}

it.skipIf(process.platform === 'win32')('is started on a cluster whatever names hold', async () => {
  const at = join(folder, "a job's $(folder)");
  mkdirSync(at, { recursive: true });
  const { cluster } = await jobOf(['num_processes=16', 'num_machines=2', 'vllm_mode=colocate'], {
    folder: at,
    python: join(at, 'bin', "it's python"),
  });
  const [launched] = onCluster(cluster, at);
  expect(launched).toEqual([
    '-m',
    'accelerate.commands.launch',
    '--config_file',
    'accelerate.yaml',
    '--machine_rank',
    '1',
    '--main_process_ip',
    'node1',
    '--main_process_port',
    '29500',
    join(at, 'quern_trl.py'),
    'trl.json',
  ]);
});

it.skipIf(process.platform === 'win32')('gives vLLM the node after the training’s', async () => {
  const at = join(folder, 'served');
  mkdirSync(at, { recursive: true });
  const { cluster } = await jobOf(['num_processes=24', 'num_machines=3'], {
    folder: at,
    python: join(at, 'bin', "it's python"),
  });
  onCluster(cluster, at);
  // Submitted again, it gets other nodes.
  writeFileSync(join(at, 'trl.json'), '{"vllm_server_base_url": "http://node9:8000"}');
  spawnSync('bash', ['cluster.sh'], {
    cwd: at,
    env: { ...process.env, PATH: `${join(at, 'bin')}:${process.env['PATH']}`, SLURM_JOB_NODELIST: 'x' },
  });
  const calls = readFileSync(join(at, 'calls'), 'utf8').split('\x01');
  expect(calls.some((call) => call.includes('node4\0') && call.includes('vllm-serve\0'))).toBe(true);
  expect(calls.some((call) => call.includes('node1,node2,node3\0'))).toBe(true);
  expect(readFileSync(join(at, 'trl.json'), 'utf8')).toBe('{"vllm_server_base_url": "http://node4:8000"}');
});

it.skipIf(process.platform === 'win32')('finds vLLM where it is when it is submitted again', async () => {
  const at = join(folder, 'again');
  mkdirSync(at, { recursive: true });
  const { cluster } = await jobOf(['num_processes=24', 'num_machines=3'], {
    folder: at,
    python: join(at, 'bin', "it's python"),
  });
  onCluster(cluster, at, { vllm_server_base_url: 'http://node9:8000', vllm_server_timeout: 600 });
  expect(JSON.parse(readFileSync(join(at, 'trl.json'), 'utf8'))).toEqual({
    vllm_server_base_url: 'http://node4:8000',
    vllm_server_timeout: 600,
  });
});
