/** Jobs that run on Ray: by quern_ray.py, here on a Ray of their own, elsewhere by `ray job submit`. */
import { QuernError } from '../../errors.ts';
import type { TrainConfig } from '../configuration/train-config.ts';
import { engineMicroBatches, processesOfMachine, type MicroBatches } from './micro-batch.ts';
import type { EngineCommand, EngineJob, EngineName, JobParts } from './engine.ts';
import { shellCommand } from './shell-words.ts';

/** What a Ray job is beside what all have. */
export interface RayParts {
  readonly engine: EngineName;
  /** The module that trains, as `python3 -m` names it. */
  readonly module: string;
  readonly args: readonly string[];
  /** Texts of further files. */
  readonly files: Readonly<Record<string, string>>;
  readonly notes?: readonly string[];
}

/** Where Ray takes jobs, unless RAY_ADDRESS says otherwise. */
const rayAddress = 'http://127.0.0.1:8265';

/**
 * What the cluster runs: a line that needs no quotation marks of a shell, as `ray job submit` puts its words together by other
 * rules than those of the shell that reads them.
 */
const entry =
  "import os, runpy; runpy.run_path(os.path.join(os.environ['QUERN_JOB'], 'quern_ray.py'), run_name='__main__')";

/** The job of an engine on Ray. */
export function rayJob(
  { config, folder, python, rewardUrl }: JobParts,
  { engine, module, args, files, notes }: RayParts,
): EngineJob {
  checkPath(engine, folder);
  const shared = {
    QUERN_REWARD_URL: rewardUrl,
    QUERN_REWARD_RETRIES: String(config.reward_retries),
    PYTHONUNBUFFERED: '1',
    // A line that several processes print is told once otherwise, and late.
    RAY_DEDUP_LOGS: '0',
    RAY_COLOR_PREFIX: '0',
    // Neither is told by anyone how it is used.
    RAY_USAGE_STATS_ENABLED: '0',
    VLLM_NO_USAGE_STATS: '1',
  };
  const training: EngineCommand = {
    what: 'training',
    program: python,
    args: ['quern_ray.py', 'ray.json'],
    // Several machines are a cluster that has been started; one is not to join what others run there.
    environment: { ...shared, RAY_ADDRESS: config.num_machines > 1 ? 'auto' : 'local' },
  };
  const job = { module, arguments: args, keep: keptCheckpoints(config) };
  return {
    files: {
      ...files,
      'ray.json': `${JSON.stringify(job, null, 2)}\n`,
      'runtime-env.json': `${JSON.stringify({ env_vars: { ...shared, QUERN_JOB: folder } }, null, 2)}\n`,
    },
    services: [],
    training,
    cluster: submission(config, folder, python),
    notes,
  };
}

/** How many checkpoints an engine keeps: it takes the older one away before the newer one is known to be whole. */
export function keptCheckpoints({ save_total_limit: limit }: TrainConfig): number {
  return Math.max(2, limit);
}

/** As {@link engineMicroBatches}, and as many copies of vLLM as the GPUs that train make up. */
export function colocatedCopies(config: TrainConfig): number {
  const copies = config.num_processes / config.vllm_tensor_parallel_size;
  if (Number.isInteger(copies)) return copies;
  throw new QuernError(
    'USAGE',
    `${config.num_processes} GPUs cannot be divided among copies of vLLM of ${config.vllm_tensor_parallel_size}`,
    { where: 'vllm_tensor_parallel_size', hint: 'Take a divisor of num_processes' },
  );
}

/** How a step's completions are divided, as {@link engineMicroBatches}. */
export function microBatchesOf({ config, data }: JobParts): MicroBatches {
  return engineMicroBatches(config, data.longestPrompt);
}

/** The data's file is named to programs that read patterns and lists in names. */
function checkPath(engine: EngineName, folder: string): void {
  const special = /[*?[\]{},@\p{Cc}]|::|:\/\//u.exec(folder)?.[0];
  if (special === undefined) return;
  throw new QuernError(
    'USAGE',
    `${engine} would read ${JSON.stringify(special)} in its folder's name as more than a name`,
    {
      where: folder,
      hint: 'Give --out a folder whose path has none of * ? [ ] { } , @ ::',
    },
  );
}

function submission(config: TrainConfig, folder: string, python: string): string {
  const { num_machines: machines } = config;
  // Other words would need quotation marks that ray job submit does not keep.
  const program = /^[\w@%+=:./-]+$/.test(python) ? python : 'python3';
  const ofVllm =
    config.vllm_mode === 'server'
      ? ` and ${counted(config.vllm_tensor_parallel_size, 'GPU')} more for vLLM`
      : '';
  return [
    '#!/bin/bash',
    'set -o pipefail',
    `# On a Ray cluster of ${counted(machines, 'machine')}, with ${counted(processesOfMachine(config), 'GPU')} for training on each${ofVllm}, which all see this folder:`,
    '#   ray start --head    on the first, where this is run, and on the others    ray start --address HEAD:6379',
    '# QUERN_REWARD_URL in runtime-env.json is where quern reward serve answers, as the machines reach it. Where it asks for a',
    '# token, QUERN_REWARD_TOKEN has to be set where ray start is called.',
    `cd ${shellCommand(folder, [])} || exit`,
    'rm -f stop',
    `ray job submit --address "\${RAY_ADDRESS:-${rayAddress}}" --runtime-env runtime-env.json -- \\`,
    `  ${shellCommand(program, ['-c', entry])} | tee -a log.txt`,
    '',
  ].join('\n');
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
