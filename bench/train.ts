/**
 * Does a step of GRPO take less time and memory than TRL's GRPOTrainer with Hugging Face's generate?
 *
 *     npm run bench -- train [--python PYTHON] [--device cpu|cuda] [--rounds 3] [--steps 3] [--checkpointing true|false]
 *         [--micro-batch TOKENS]
 *
 * On the processor, by default: a Qwen2 of 5 million random weights, the same checkpoint for both; 4 prompts of 100 tokens × 8
 * completions of 64 tokens, no early end, KL weight 0.008, float32, two threads. Each run is a process of its own, ours and the
 * peer's in turns; medians are told. On a GPU: the shape of Qwen2.5-1.5B with random weights, one step of the paper's size: 12
 * prompts of 300 tokens × 16 completions × 500 tokens, float32 weights under bfloat16 products, gradient checkpointing. PYTHON runs
 * bench/peers/trl_peer.py, which says what has to be installed. Rewards cost nothing on either side.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { libtorch } from '@quern/libtorch';
import { randomQwen2, saveModel } from 'quern/torch';
import { fiveMillion, oneAndAHalfBillion } from './models/shapes.js';
import { ownSteps, type StepResult, type StepTask } from './train/own-step.js';

const { values: flags } = parseArgs({
  options: {
    python: { type: 'string' },
    device: { type: 'string', default: 'cpu' },
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '3' },
    checkpointing: { type: 'string' },
    'micro-batch': { type: 'string' },
    child: { type: 'string' },
  },
});

/** What both sides tell. */
interface Told {
  readonly rollout: number;
  readonly update: number;
  readonly tokensPerSecond: number;
  /** Of the process without what the programs alone take; of a GPU all. */
  readonly megabytes: number;
  readonly version: string;
}

if (flags.child === undefined) await compare();
else console.log(JSON.stringify(await ownSteps(JSON.parse(flags.child) as StepTask)));

async function compare(): Promise<void> {
  const isGpu = flags.device !== 'cpu';
  const folder = isGpu ? undefined : mkdtempSync(join(tmpdir(), 'quern-bench-'));
  try {
    const config = isGpu ? oneAndAHalfBillion : fiveMillion;
    const checkpoint = folder === undefined ? undefined : join(folder, 'checkpoint');
    if (checkpoint !== undefined) {
      const model = randomQwen2(config, { seed: 1 });
      await saveModel(model, checkpoint, { dtype: 'float32' });
      model.close();
    }
    const [prompts, tokens, completions, newTokens] = isGpu ? [12, 300, 16, 500] : [4, 100, 8, 64];
    const task: StepTask = {
      config,
      folder: checkpoint,
      device: flags.device,
      bf16: isGpu,
      ...(!isGpu && { threads: 2 }),
      prompts: Array.from({ length: prompts }, (_, p) =>
        Array.from({ length: tokens }, (_token, i) => (p * 7919 + i * 104_729) % (config.vocabularySize - 2)),
      ),
      completions,
      newTokens,
      rows: prompts * completions,
      beta: 0.008,
      gradientCheckpointing: flags.checkpointing === undefined ? isGpu : flags.checkpointing === 'true',
      tokensPerMicroBatch: Number(flags['micro-batch'] ?? (isGpu ? 16_384 : 2048)),
      steps: Number(flags.steps),
    };
    const own: Told[] = [];
    const peer: Told[] = [];
    for (let round = 0; round < Number(flags.rounds); round++) {
      own.push(ours(task));
      if (flags.python !== undefined) peer.push(theirs(task, flags.python));
    }
    const { version } = libtorch();
    const machine = `${cpus()[0].model}, Node ${process.version}, LibTorch ${version}, ${flags.device}`;
    console.log(
      `${machine}: ${prompts} × ${tokens} tokens × ${completions} completions of ${newTokens}; medians of ${own.length} round(s)`,
    );
    tell('quern', own);
    if (peer.length === 0) return;
    tell(peer[0].version, peer);
    const ratio = (of: (told: Told) => number): string =>
      (median(own.map(of)) / median(peer.map(of))).toFixed(2);
    console.log(
      `  ratio: rollout ${ratio((each) => each.rollout)}, update ${ratio((each) => each.update)}, step ` +
        `${ratio((each) => each.rollout + each.update)}, memory ${ratio((each) => each.megabytes)}`,
    );
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

function ours(task: StepTask): Told {
  const found = json<StepResult>(process.execPath, [
    fileURLToPath(import.meta.url),
    '--child',
    JSON.stringify(task),
  ]);
  const [{ tokens }] = found.steps;
  const rollout = median(found.steps.map(({ rolloutSeconds }) => rolloutSeconds));
  return {
    rollout,
    update: median(found.steps.map(({ updateSeconds }) => updateSeconds)),
    tokensPerSecond: tokens / rollout,
    megabytes: (found.peakBytes - found.beforeBytes) / 1e6,
    version: 'quern',
  };
}

function theirs(task: StepTask, python: string): Told {
  const {
    config,
    folder,
    device,
    bf16,
    threads,
    prompts,
    completions,
    newTokens,
    beta,
    gradientCheckpointing,
    steps,
  } = task;
  const found = json<{
    median: { rollout: number; update: number; other: number };
    rolloutTokensPerSecond: number;
    megabytes: { peak: number; before?: number };
    versions: Record<string, string>;
  }>(python, [
    fileURLToPath(new URL('../bench/peers/trl_peer.py', import.meta.url)),
    JSON.stringify({
      ...(folder === undefined ? { config } : { checkpoint: folder }),
      prompts,
      generations: completions,
      tokens: newTokens,
      endless: true,
      steps,
      warmUp: 1,
      rows: device === 'cpu' ? prompts.length * completions : 16,
      device: device === 'cpu' ? 'cpu' : 'cuda',
      ...(threads !== undefined && { threads }),
      bfloat16: bf16,
      checkpointing: gradientCheckpointing,
      beta,
    }),
  ]);
  return {
    rollout: found.median.rollout,
    update: found.median.update,
    tokensPerSecond: found.rolloutTokensPerSecond,
    megabytes: found.megabytes.peak - (found.megabytes.before ?? 0),
    version: `TRL ${found.versions['trl']} (transformers ${found.versions['transformers']}, PyTorch ${found.versions['torch']})`,
  };
}

/** The last line of what a program prints. */
function json<T>(program: string, args: readonly string[]): T {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (status !== 0) throw new Error(`${program} exited with ${status}: ${stderr.slice(-2000)}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as T;
}

function tell(name: string, told: readonly Told[]): void {
  const of = (value: (each: Told) => number): number => median(told.map(value));
  console.log(
    `  ${name}: rollout ${of((each) => each.rollout).toFixed(2)} s (${of((each) => each.tokensPerSecond).toFixed(0)} tokens/s), ` +
      `update ${of((each) => each.update).toFixed(2)} s, ${of((each) => each.megabytes).toFixed(0)} MB`,
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
