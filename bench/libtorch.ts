/**
 * Does a model on our binding train and decode as fast, and in as little memory, as the same model in PyTorch, which runs the
 * same LibTorch eagerly?
 *
 *     npm run bench -- libtorch [--python PYTHON] [--device cpu] [--rounds 5] [--only train,decode,curve,large]
 *
 * `train`: steps of a Qwen2 of 5 million parameters (4 layers, d 256, 4 heads, 2 of keys and values, ffn 704, vocabulary 8,192)
 * on 8 × 128 tokens with AdamW; `decode`: 16 completions of 128 tokens of one prompt of 64; `curve`: the memory of 400 steps;
 * `large`: a step of the shape of Qwen2.5-0.5B on 256 tokens. Each run is a process of its own, ours and the peer's in turns;
 * medians are told. PYTHON, by default the one whose LibTorch the addon was built for, runs bench/peers/libtorch_peer.py: the
 * same operations, the same shapes, the same number of threads. Memory is the growth of the process's peak over what it held
 * when it had done the same with a model of a few thousand parameters; on a GPU it is what LibTorch's allocator counted.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  AdamW,
  autocast,
  libtorch,
  memory,
  noGrad,
  resetPeakMemory,
  scope,
  setNumThreads,
  synchronize,
  tensor,
} from '@quern/libtorch';
import { randomQwen2, TokenGenerator, type Qwen2Config, type Qwen2Model } from 'quern/torch';
import { fiveMillion, halfBillion } from './models/shapes.js';

const { values: flags } = parseArgs({
  options: {
    python: { type: 'string' },
    device: { type: 'string', default: 'cpu' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'train,decode,curve,large' },
    bfloat16: { type: 'boolean', default: false },
    child: { type: 'string' },
  },
});

interface Task {
  readonly kind: 'train' | 'decode';
  readonly config: Qwen2Config;
  readonly rows: number;
  readonly tokens: number;
  /** Steps that are timed; of decoding, tokens a row. */
  readonly steps: number;
  readonly warmUp: number;
  readonly device: string;
  readonly bfloat16: boolean;
  readonly threads: number;
  /** Tell of the memory every so many steps. */
  readonly every?: number;
}

interface Ran {
  /** Of each step, in milliseconds; of decoding, of the whole. */
  readonly milliseconds: readonly number[];
  readonly megabytes: number;
  readonly loss?: number;
  readonly curve?: readonly { readonly step: number; readonly rss: number; readonly held: number }[];
  readonly version: string;
}

if (flags.child !== undefined) {
  const task = JSON.parse(flags.child) as Task;
  console.log(JSON.stringify(await rehearsedAndRun(task)));
} else compare();

function compare(): void {
  const { version, libtorch: folder } = libtorch();
  const python = flags.python ?? pythonOf(folder);
  const rounds = Number(flags.rounds);
  const only = flags.only.split(',');
  const { device, bfloat16 } = flags;
  const common = { device, bfloat16, threads: availableParallelism() };
  console.log(
    `${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.version}, LibTorch ${version}, ${device}` +
      `${bfloat16 ? ', bfloat16' : ''}; medians of ${rounds} round(s)`,
  );
  if (python === undefined) console.log('no Python with this LibTorch: no peer');
  const train: Task = {
    kind: 'train',
    config: fiveMillion,
    rows: 8,
    tokens: 128,
    steps: 20,
    warmUp: 3,
    ...common,
  };
  if (only.includes('train')) inTurns('training step, 5M parameters, 8 × 128 tokens', train, python, rounds);
  if (only.includes('decode')) {
    const decode: Task = {
      kind: 'decode',
      config: fiveMillion,
      rows: 16,
      tokens: 64,
      steps: 128,
      warmUp: 1,
      ...common,
    };
    inTurns('decoding, 16 × 128 tokens', decode, python, rounds);
  }
  if (only.includes('curve')) {
    const { curve = [] } = ours({ ...train, steps: 400, every: 50 });
    console.log('\nmemory over 400 steps (RSS in MB, held by tensors in MB)');
    for (const { step, rss, held } of curve) {
      console.log(`  step ${step}: ${rss.toFixed(0)} MB, ${held.toFixed(1)} MB`);
    }
  }
  if (only.includes('large')) {
    const step: Task = {
      kind: 'train',
      config: halfBillion,
      rows: 1,
      tokens: 256,
      steps: 2,
      warmUp: 1,
      ...common,
    };
    inTurns("training step, Qwen2.5-0.5B's shape, 256 tokens", step, python, Math.min(rounds, 1));
  }
}

/** Ours and the peer's, one after the other, so that a busy minute meets both. */
function inTurns(what: string, task: Task, python: string | undefined, rounds: number): void {
  const own: Ran[] = [];
  const peer: Ran[] = [];
  for (let round = 0; round < rounds; round++) {
    own.push(ours(task));
    if (python !== undefined) peer.push(theirs(task, python));
  }
  console.log(`\n${what}`);
  tell('quern', own, task);
  if (peer.length === 0) return;
  tell(`PyTorch ${peer[0].version}`, peer, task);
  const time = median(own.map(timeOf)) / median(peer.map(timeOf));
  const bytes =
    median(own.map(({ megabytes }) => megabytes)) / median(peer.map(({ megabytes }) => megabytes));
  console.log(`  ratio: time ${time.toFixed(2)}, memory ${bytes.toFixed(2)}`);
}

function tell(name: string, ran: readonly Ran[], { kind, rows, steps }: Task): void {
  const milliseconds = median(ran.map(timeOf));
  const megabytes = median(ran.map((each) => each.megabytes));
  const speed =
    kind === 'train'
      ? `${milliseconds.toFixed(1)} ms a step`
      : `${((1000 * rows * steps) / milliseconds).toFixed(0)} tokens/s`;
  const loss = ran[0].loss === undefined ? '' : `, loss at the end ${ran[0].loss.toFixed(4)}`;
  console.log(`  ${name}: ${speed}, ${megabytes.toFixed(0)} MB${loss}`);
}

function timeOf({ milliseconds }: Ran): number {
  return median(milliseconds);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function ours(task: Task): Ran {
  return result(process.execPath, [fileURLToPath(import.meta.url), '--child', JSON.stringify(task)]);
}

function theirs(task: Task, python: string): Ran {
  return result(python, [
    resolve(import.meta.dirname, '../bench/peers/libtorch_peer.py'),
    JSON.stringify(task),
  ]);
}

function result(command: string, args: readonly string[]): Ran {
  // Both wait alike for the other threads.
  const env = { ...process.env, OMP_WAIT_POLICY: process.env['OMP_WAIT_POLICY'] ?? 'PASSIVE' };
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env, maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${command} exited with ${status}: ${stderr.slice(-2000)}`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Ran;
}

/** The Python of the environment that a LibTorch folder lies in. */
function pythonOf(folder: string): string | undefined {
  const python = resolve(folder, '../../../../bin/python');
  return existsSync(python) ? python : undefined;
}

/** What the process holds, or held at most, in MB. */
function resident(field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
}

/** Rehearses with a tiny model, so that what the programs themselves take is there before it is measured. */
async function rehearsedAndRun(task: Task): Promise<Ran> {
  setNumThreads(task.threads);
  const run = task.kind === 'train' ? trained : decoded;
  const config = {
    ...task.config,
    hiddenSize: 16 * task.config.heads,
    layers: 1,
    intermediateSize: 32,
    vocabularySize: 64,
  };
  await run({ ...task, config, rows: 2, tokens: 8, steps: 4, warmUp: 1, every: undefined }, 0);
  resetPeakMemory();
  return run(task, resident('VmRSS'));
}

function megabytesSince(before: number, { device }: Task): number {
  return device === 'cpu' ? resident('VmHWM') - before : memory().devicePeakBytes / 2 ** 20;
}

/** Tokens that look drawn at random and are the same for both. */
function tokensOf(count: number, vocabulary: number): BigInt64Array {
  return BigInt64Array.from({ length: count }, (_, i) =>
    BigInt((i * 7919 + ((i * i) % 104_729)) % vocabulary),
  );
}

function trained(task: Task, before: number): Ran {
  const { config, rows, tokens, steps, warmUp, device, bfloat16, every } = task;
  const model = randomQwen2(config, { seed: 1, isTrained: true, device });
  const optimizer = new AdamW(model.parameters, { learningRate: 1e-3, betas: [0.9, 0.99], weightDecay: 0.1 });
  const input = tensor(tokensOf(rows * (tokens + 1), config.vocabularySize), {
    shape: [rows, tokens + 1],
    device,
  });
  const lossOf = (): number =>
    scope(() => {
      const loss = bfloat16
        ? autocast('bfloat16', () => model.tokenLogProbabilities(input).mean().neg(), device)
        : model.tokenLogProbabilities(input).mean().neg();
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss.item();
    });
  const milliseconds: number[] = [];
  const curve: { step: number; rss: number; held: number }[] = [];
  let loss = 0;
  for (let step = -warmUp; step < steps; step++) {
    const start = performance.now();
    loss = lossOf();
    synchronize(device);
    if (step >= 0) milliseconds.push(performance.now() - start);
    if (every !== undefined && step >= 0 && (step + 1) % every === 0) {
      curve.push({ step: step + 1, rss: resident('VmRSS'), held: memory().bytes / 2 ** 20 });
    }
  }
  const megabytes = megabytesSince(before, task);
  optimizer.dispose();
  input.dispose();
  model.close();
  return { milliseconds, megabytes, loss, curve, version: libtorch().version };
}

async function decoded(task: Task, before: number): Promise<Ran> {
  const { config, rows, tokens, steps, device, warmUp, bfloat16 } = task;
  const model: Qwen2Model = noGrad(() =>
    randomQwen2(config, { seed: 1, device, dtype: bfloat16 ? 'bfloat16' : 'float32' }),
  );
  const prompt = Array.from(tokensOf(tokens, config.vocabularySize), Number);
  const seeds = Array.from({ length: rows }, (_, i) => i + 1);
  const milliseconds: number[] = [];
  for (let round = -warmUp; round < 3; round++) {
    const generator = new TokenGenerator(model, {
      sampling: { temperature: 1, topP: 1, topK: 0, repetitionPenalty: 1, maxTokens: steps },
      endTokens: [],
      rows,
    });
    const start = performance.now();
    const completions = await generator.generate({ prompt, seeds });
    if (round >= 0) milliseconds.push(performance.now() - start);
    if (completions.some(({ tokens: drawn }) => drawn.length !== steps)) throw new Error('too few tokens');
    await generator.close();
  }
  const megabytes = megabytesSince(before, task);
  model.close();
  return { milliseconds, megabytes, version: libtorch().version };
}
