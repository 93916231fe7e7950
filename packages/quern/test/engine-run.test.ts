/** A run on an engine, from its start to its end, with a program that stands for the engine's. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { QuernError } from '../src/errors.ts';
import { readTrainConfig } from '../src/train/configuration/read-config.ts';
import type { Engine } from '../src/train/engines/engine.ts';
import {
  collectJob,
  trainOnEngine,
  writeEngineJob,
  type EngineOptions,
} from '../src/train/engines/engine-run.ts';
import { numbersOf } from '../src/train/engines/logged-numbers.ts';
import { serveRewardOf } from '../src/train/engines/reward-process.ts';
import { FakeHub } from './fake-hub.ts';
import { linesOf, questionsFile, stateOf } from './small-training.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const folder = temporaryFolder();
const program = resolve(import.meta.dirname, 'fake-engine.mjs');
const questions = questionsFile(folder);

interface Script {
  readonly steps: number;
  readonly die?: number;
  readonly diverge?: number;
  readonly hang?: number;
  readonly wait?: number;
}

/** An engine whose training does as a script says, beside a service that does as another says. */
function engineOf(script: Script, service?: string): Engine {
  return {
    name: 'trl',
    programs: ['quern_reward.py'],
    requirements: ['trl.txt'],
    tokenizes: false,
    log: 'log.jsonl',
    job: ({ data, rewardUrl }) => ({
      files: { 'script.json': JSON.stringify(script), 'rows.json': JSON.stringify(data.rows) },
      services:
        service === undefined
          ? []
          : [{ what: 'vLLM', program: process.execPath, args: ['-e', service], environment: {} }],
      training: {
        what: 'training',
        program: process.execPath,
        args: [program],
        environment: { QUERN_REWARD_URL: rewardUrl },
      },
      cluster: '#!/bin/sh\n',
    }),
    lineOf: (text) => {
      const { step, begun, ...metrics } = numbersOf(text) ?? {};
      if (begun !== undefined) return { step: begun, metrics: {} };
      return step === undefined ? undefined : { step, metrics };
    },
    checkpoints: async (job) => {
      const made = join(job, 'made');
      const names = existsSync(made) ? readdirSync(made) : [];
      return names
        .filter((name) => existsSync(join(made, name, 'whole')))
        .map((name) => ({ step: Number(name), folder: join(made, name), model: join(made, name) }))
        .sort((a, b) => a.step - b.step);
    },
  };
}

/** A server of rewards that only says that it is up. */
let rewards: Server;
let rewardUrl: string;

beforeAll(async () => {
  rewards = createServer((_request, response) => response.end('{}'));
  await new Promise<void>((ready) => rewards.listen(0, '127.0.0.1', ready));
  rewardUrl = `http://127.0.0.1:${(rewards.address() as AddressInfo).port}`;
});
afterAll(() => {
  rewards.close();
});

function configOf(run: string, set: readonly string[] = []) {
  return readTrainConfig({
    preset: 'smoke',
    out: join(folder, run),
    set: [
      'device=cpu',
      `train_data=${questions}`,
      `reward=${rewardUrl}`,
      'max_steps=6',
      'eval_steps=0',
      ...set,
    ],
  });
}

async function train(run: string, engine: Engine, options: EngineOptions & { set?: string[] } = {}) {
  const { set, ...rest } = options;
  return trainOnEngine(await configOf(run, set), engine, { python: process.execPath, ...rest });
}

const stepsOf = (run: string): unknown[] => linesOf(join(folder, run)).map(({ step }) => step);
const checkpointsOf = (run: string): string[] =>
  readdirSync(join(folder, run)).filter((name) => name.startsWith('checkpoint-'));

it('tells of its steps and takes its checkpoints over, without what only the engine goes on from', async () => {
  const events: string[] = [];
  const outcome = await train('whole', engineOf({ steps: 6 }), {
    onEvent: (event) => events.push(event.kind === 'metrics' ? `step ${event.line.step}` : event.kind),
  });
  const run = join(folder, 'whole');
  expect(outcome).toEqual({ status: 'done', step: 6, folder: run, checkpoint: join(run, 'checkpoint-6') });
  expect(events.filter((event) => event.startsWith('step'))).toEqual(
    [1, 2, 3, 4, 5, 6].map((step) => `step ${step}`),
  );
  expect(linesOf(run)[2]).toMatchObject({ kind: 'train', step: 3, loss: 0.3, num_tokens: 300 });
  expect(stateOf(run)).toMatchObject({ status: 'done', step: 6, max_steps: 6 });
  expect(readdirSync(join(run, 'checkpoint-6')).sort()).toEqual([
    'config.json',
    'model.safetensors',
    'trainer_state.json',
  ]);
  const state = JSON.parse(readFileSync(join(run, 'checkpoint-6', 'trainer_state.json'), 'utf8')) as object;
  expect(state).toMatchObject({ step: 6, tokens: 600 });
  expect(existsSync(join(run, 'engine', 'quern_reward.py'))).toBe(true);
});

it('keeps as many checkpoints as it is told, whatever the engine keeps', async () => {
  await train('last', engineOf({ steps: 6, wait: 120 }), { set: ['save_total_limit=1'] });
  expect(checkpointsOf('last')).toEqual(['checkpoint-6']);
});

it('says why a training failed, and goes on from its last checkpoint, with each step once', async () => {
  const failed = train('failed', engineOf({ steps: 6, die: 3 }));
  await expect(failed).rejects.toThrow(
    /the training ended with 3: ValueError: something was wrong\. .*--resume goes on from there/,
  );
  expect(stepsOf('failed')).toEqual([1, 2, 3]);
  expect(stateOf(join(folder, 'failed'))).toMatchObject({ status: 'failed', step: 3 });
  const told: number[] = [];
  await train('failed', engineOf({ steps: 6 }), {
    resume: true,
    onEvent: (event) => event.kind === 'metrics' && told.push(event.line.step),
  });
  expect(told).toEqual([3, 4, 5, 6]);
  expect(stepsOf('failed')).toEqual([1, 2, 3, 4, 5, 6]);
});

it('fails where the training ends before all steps are made, whatever it says', async () => {
  const failed = train('short', engineOf({ steps: 3 }));
  await expect(failed).rejects.toThrow(/the training ended after step 3 of 6; it said last: an attempt from/);
  expect(stateOf(join(folder, 'short'))).toMatchObject({ status: 'failed', step: 3 });
  expect(await train('short', engineOf({ steps: 6 }), { resume: true })).toMatchObject({ status: 'done' });
});

it('was stopped where the file that stops it was made by others', async () => {
  const outcome = await train('stopped-by-file', engineOf({ steps: 6, hang: 3 }), {
    onEvent: (event) => {
      if (event.kind !== 'metrics' || event.line.step !== 3) return;
      writeFileSync(join(folder, 'stopped-by-file', 'engine', 'stop'), '');
    },
  });
  expect(outcome).toMatchObject({ status: 'stopped', step: 3 });
});

it('says what the training said, not what its launcher said of that', async () => {
  const said = ['ValueError: too small', "subprocess.CalledProcessError: Command '[]' returned 1."];
  const launcher = `for (const line of ${JSON.stringify(said)}) console.log(line); process.exit(1)`;
  await expect(train('launched', printing(launcher))).rejects.toThrow(
    /the training ended with 1: ValueError: too small\./,
  );
  const missing = "console.log('python3: No module named accelerate'); process.exit(1)";
  await expect(train('missing', printing(missing))).rejects.toThrow(
    /the training ended with 1: python3: No module named accelerate\./,
  );
});

it('takes of a model of the hub what is no weights: those the engine downloads', async () => {
  const model = join(folder, 'hub-model');
  await writeTinyCheckpoint(model);
  const files = readdirSync(model).map((name): [string, Buffer] => [name, readFileSync(join(model, name))]);
  const hub = await FakeHub.start(Object.fromEntries(files), 'owner/model');
  vi.stubEnv('HF_ENDPOINT', hub.endpoint);
  vi.stubEnv('HF_HOME', join(folder, 'hub-home'));
  try {
    const config = await configOf('of-the-hub', ['model_name_or_path=owner/model']);
    const { folder: job } = await writeEngineJob(config, engineOf({ steps: 6 }));
    const rows = JSON.parse(readFileSync(join(job, 'rows.json'), 'utf8')) as unknown[];
    expect(rows).toHaveLength(5);
    expect(hub.filesAsked.filter((path) => path.endsWith('.safetensors'))).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
    await hub.stop();
  }
});

/** An engine whose training is a program in JavaScript. */
function printing(script: string): Engine {
  const engine = engineOf({ steps: 1 });
  return {
    ...engine,
    job: (parts) => {
      const job = engine.job(parts);
      return { ...job, training: { ...job.training, args: ['-e', script] } };
    },
  };
}

it('leaves out what its log has of steps that cannot be', async () => {
  const config = await configOf('odd-steps');
  const engine = engineOf({ steps: 6 });
  const { folder: job } = await writeEngineJob(config, engine);
  const steps = ['-5', '1.5', '1e308'].map((step) => `{"begun":${step}}\n{"step":${step},"loss":1}\n`);
  writeFileSync(join(job, 'log.jsonl'), `${steps.join('')}{"step":1,"loss":1}\n`);
  expect(await collectJob(config, engine)).toMatchObject({ status: 'stopped', step: 1 });
  expect(stepsOf('odd-steps')).toEqual([1]);
});

it('starts whatever is noted of processes of an earlier attempt', async () => {
  for (const noted of ['null', '[null]', '{"pid":1}', '5', '[{"pid":"x","started":"y"}]']) {
    writeFileSync(join(folder, 'whole', 'engine', 'launched.json'), noted);
    expect(await train('whole', engineOf({ steps: 6 }), { resume: true })).toMatchObject({ status: 'done' });
  }
});

it('is given a Python whose path begins here, though it starts in the folder of its job', async () => {
  const pythons: string[] = [];
  const engine = engineOf({ steps: 6 });
  const noting: Engine = { ...engine, job: (parts) => (pythons.push(parts.python), engine.job(parts)) };
  for (const [i, python] of ['trl/bin/python', 'python3', '/usr/bin/python3'].entries()) {
    await writeEngineJob(await configOf(`python-${i}`), noting, { python });
  }
  expect(pythons).toEqual([resolve('trl/bin/python'), 'python3', '/usr/bin/python3']);
});

it('tells of a loss that ran away as a training here does', async () => {
  const error = await train('ran-away', engineOf({ steps: 6, diverge: 2 })).catch(
    (thrown: QuernError) => thrown,
  );
  expect(error).toMatchObject({ code: 'DIVERGED' });
  expect(String(error)).toContain('the loss of step 2 is 1000.0');
});

it('stops after a checkpoint when it is told to, and goes on', async () => {
  const controller = new AbortController();
  const outcome = await train('stopped', engineOf({ steps: 6, hang: 3 }), {
    signal: controller.signal,
    onEvent: (event) => event.kind === 'metrics' && event.line.step === 3 && controller.abort(),
  });
  expect(outcome).toMatchObject({
    status: 'stopped',
    step: 3,
    checkpoint: join(folder, 'stopped', 'checkpoint-3'),
  });
  expect(stateOf(join(folder, 'stopped'))).toMatchObject({ status: 'stopped', step: 3 });
  expect(await train('stopped', engineOf({ steps: 6 }), { resume: true })).toMatchObject({
    status: 'done',
    step: 6,
  });
});

it('ends the training where what runs beside it ends', async () => {
  const service = "console.error('CUDA out of memory'); setTimeout(() => process.exit(1), 300)";
  const failed = train('alone', engineOf({ steps: 6, hang: 2 }, service));
  await expect(failed).rejects.toThrow(
    /vLLM ended, and the training was stopped; it said last: CUDA out of memory/,
  );
  const [, pid] = /"pid":\d+,.*"pid":(\d+)/.exec(
    readFileSync(join(folder, 'alone', 'engine', 'launched.json'), 'utf8'),
  )!;
  expect(existsSync(`/proc/${pid}`)).toBe(false);
});

it('ends the training where the server of rewards is killed', async () => {
  const failed = train('unrewarded', engineOf({ steps: 6, hang: 2 }), {
    set: ['reward=lexical'],
    onEvent: (event) => {
      if (event.kind !== 'metrics' || event.line.step !== 2) return;
      for (const pid of childrenOf(process.pid)) {
        const command = readFileSync(join('/proc', pid, 'cmdline'), 'utf8').split('\0');
        if (command.includes('reward') && command.includes('serve')) process.kill(Number(pid), 'SIGKILL');
      }
    },
  });
  await expect(failed).rejects.toThrow(/the server of rewards ended, and the training was stopped/);
});

it('serves rewards to who has no token, whatever token other servers ask for', async () => {
  vi.stubEnv('QUERN_TOKEN', 'of another server');
  const served = await serveRewardOf({ reward: 'lexical' }, { log: join(folder, 'served.txt') });
  try {
    const answer = await fetch(`${served.url}/v1/rewards`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ items: [{ query: 'q', completion: 'c', positives: ['p'] }] }),
    });
    expect(answer.status).toBe(200);
  } finally {
    await served.stop();
    vi.unstubAllEnvs();
  }
});

function childrenOf(parent: number): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return new RegExp(`^PPid:\\s*${parent}$`, 'm').test(
        readFileSync(join('/proc', name, 'status'), 'utf8'),
      );
    } catch {
      return false;
    }
  });
}

describe('a job that runs elsewhere', () => {
  it('is written, followed and taken up', async () => {
    const config = await configOf('elsewhere');
    const { folder: job } = await writeEngineJob(config, engineOf({ steps: 6 }));
    expect(readdirSync(job).sort()).toEqual([
      'cluster.sh',
      'job.json',
      'quern_reward.py',
      'rows.json',
      'script.json',
      'trl.txt',
    ]);
    const { folder: again } = await writeEngineJob(config, engineOf({ steps: 5 }));
    expect(readFileSync(join(again, 'script.json'), 'utf8')).toBe('{"steps":5}');
    await writeEngineJob(config, engineOf({ steps: 6 }));
    const engine = engineOf({ steps: 6 });
    expect(await collectJob(config, engine)).toMatchObject({ status: 'stopped', step: 0 });
    writeFileSync(join(job, 'log.jsonl'), '{"begun":0}\n{"step":1,"loss":1}\n{"step":2,"lo');
    expect(await collectJob(config, engine)).toMatchObject({ status: 'stopped', step: 1 });
    writeFileSync(
      join(job, 'log.jsonl'),
      '{"begun":0}\n{"step":1,"loss":1}\n{"step":2,"loss":2}\n{"begun":1}\n',
    );
    expect(await collectJob(config, engine)).toMatchObject({ step: 1 });
    expect(stepsOf('elsewhere')).toEqual([1]);
    await expect(writeEngineJob(config, engine)).rejects.toThrow(/holds a run already/);
    expect(await trainOnEngine(config, engine, { resume: true, python: process.execPath })).toMatchObject({
      status: 'done',
      step: 6,
    });
    expect(stepsOf('elsewhere')).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe('what cannot be done', () => {
  it('is told before anything is made', async () => {
    const sft = await readTrainConfig({
      preset: 'smoke',
      out: join(folder, 'sft'),
      set: ['method=sft', `train_data=${questions}`],
    });
    await expect(trainOnEngine(sft, engineOf({ steps: 1 }))).rejects.toThrow(
      /--engine trl trains by grpo alone/,
    );
    expect(existsSync(join(folder, 'sft'))).toBe(false);
  });

  it('is starting processes on other machines', async () => {
    const far = train('far', engineOf({ steps: 1 }), { set: ['num_machines=2', 'num_processes=4'] });
    await expect(far).rejects.toThrow(/num_machines 2: starts processes on one machine alone. --dry-run/);
    expect(existsSync(join(folder, 'far'))).toBe(false);
  });

  it('is a Python that cannot be started, which leaves the folder free', async () => {
    const python = join(folder, 'none', 'python');
    const absent = train('unstarted', engineOf({ steps: 6 }), { python });
    await expect(absent).rejects.toThrow(/is no program that can be started. .*--python PROGRAM/);
    expect(existsSync(join(folder, 'unstarted'))).toBe(false);
  });

  it('is a line of a log that does not end, and a link in a checkpoint', async () => {
    const config = await configOf('foreign');
    const engine = engineOf({ steps: 6 });
    const { folder: job } = await writeEngineJob(config, engine);
    const made = join(job, 'made', '2');
    mkdirSync(made, { recursive: true });
    writeFileSync(join(made, 'whole'), '');
    writeFileSync(join(made, 'config.json'), '{}');
    symlinkSync('/etc/hostname', join(made, 'model.safetensors'));
    const line = 'x'.repeat(5 << 20);
    writeFileSync(join(job, 'log.jsonl'), `${line}\n{"step":1,"loss":1}\n{"step":2,"loss":1}\n${line}`);
    expect(await collectJob(config, engine)).toMatchObject({ step: 2 });
    expect(stepsOf('foreign')).toEqual([1, 2]);
    expect(readdirSync(join(folder, 'foreign', 'checkpoint-2')).sort()).toEqual([
      'config.json',
      'trainer_state.json',
    ]);
  });

  it('is a Python that is not there', async () => {
    const engine = engineOf({ steps: 1 });
    const absent: Engine = {
      ...engine,
      job: (parts) => {
        const job = engine.job(parts);
        return { ...job, training: { ...job.training, program: join(folder, 'no-python') } };
      },
    };
    await expect(train('no-python', absent)).rejects.toThrow(
      /training cannot be started: .*--python PROGRAM/,
    );
  });

  it('is going on with a run of another engine', async () => {
    const verl: Engine = { ...engineOf({ steps: 6 }), name: 'verl' };
    await expect(train('whole', verl, { resume: true })).rejects.toThrow(/the run was begun on trl/);
  });
});
