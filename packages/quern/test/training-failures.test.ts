/** Runs of training that are stopped, or go wrong: what is told of it, what is left, and what taking them up comes to. */
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Qwen2Model } from '../src/models/torch/qwen2-model.ts';
import { train, type TrainingEvent } from '../src/train/trainer.ts';
import { fileHashes } from './file-hashes.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { linesOf, madeBy, questionsFile, quickSettings, smokeConfig, stateOf } from './small-training.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { TextRewardServer } from './text-reward-server.ts';

const folder = temporaryFolder();
const server = await TextRewardServer.start();
const data = questionsFile(folder);
const quick = [...quickSettings({ data, reward: server.url }), 'save_steps=5'];
const validated = [...quick, 'eval_steps=2', `eval_data=[${JSON.stringify(data)}]`];

function checkpointsOf(run: string): string[] {
  return readdirSync(run).filter((name) => name.startsWith('checkpoint-'));
}

function trainerStateOf(run: string, step: number): Record<string, unknown> {
  const path = join(run, `checkpoint-${step}`, 'trainer_state.json');
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
}

/** A file of questions with these records. */
function written(name: string, records: readonly unknown[]): string {
  const path = join(folder, name);
  writeFileSync(path, records.map((each) => `${JSON.stringify(each)}\n`).join(''));
  return path;
}

/** Aborts at an event. */
function abortAt(isTime: (event: TrainingEvent) => boolean): {
  signal: AbortSignal;
  onEvent: (event: TrainingEvent) => void;
} {
  const controller = new AbortController();
  const onEvent = (event: TrainingEvent): void => {
    if (isTime(event)) controller.abort();
  };
  return { signal: controller.signal, onEvent };
}

function abortAtLine(kind: string, step: number): ReturnType<typeof abortAt> {
  return abortAt((event) => event.kind === 'metrics' && event.line.kind === kind && event.line.step === step);
}

beforeEach(() => server.open());

describe.skipIf(!hasLibTorch)('a training that ends early', () => {
  let through: unknown;

  beforeAll(async () => {
    const run = join(folder, 'through');
    await train(await smokeConfig(run, validated));
    through = madeBy(run, 8);
  });

  it('keeps what was done when it is stopped, and goes on as if it had not been', async () => {
    const run = join(folder, 'stopped');
    const config = await smokeConfig(run, validated);
    const stop = abortAt((event) => event.kind === 'metrics' && event.line.step === 3);
    expect(await train(config, stop)).toMatchObject({
      status: 'stopped',
      step: 3,
      checkpoint: join(run, 'checkpoint-3'),
    });
    expect(stateOf(run)).toMatchObject({ status: 'stopped', step: 3 });
    expect(stateOf(run)).not.toHaveProperty('error');
    expect(await train(config, { resume: true })).toMatchObject({ status: 'done', step: 8 });
    expect(madeBy(run, 8)).toEqual(through);
  });

  it('makes up for a validation that it was stopped in', async () => {
    const run = join(folder, 'stopped in validation');
    const config = await smokeConfig(run, validated);
    const stop = abortAt(
      (event) => event.kind === 'metrics' && event.line.step === 4 && event.line.kind === 'train',
    );
    expect(await train(config, stop)).toMatchObject({ status: 'stopped', step: 4 });
    expect(await train(config, { resume: true })).toMatchObject({ status: 'done', step: 8 });
    expect(madeBy(run, 8)).toEqual(through);
  });

  it('does not forget the best checkpoint where it is stopped in a validation, and again right after it', async () => {
    const run = join(folder, 'stopped twice');
    const config = await smokeConfig(run, [...validated, 'save_total_limit=1']);
    expect(await train(config, abortAtLine('train', 2))).toMatchObject({ status: 'stopped', step: 2 });
    expect(trainerStateOf(run, 2)).not.toHaveProperty('best');
    expect(await train(config, { resume: true, ...abortAtLine('eval', 2) })).toMatchObject({
      status: 'stopped',
      step: 2,
      best: { step: 2 },
    });
    expect(trainerStateOf(run, 2)).toMatchObject({ best: { step: 2, metric: 'eval/reward' } });
    await train(config, { resume: true, ...abortAtLine('train', 3) });
    expect(checkpointsOf(run)).toEqual(['checkpoint-2', 'checkpoint-3']);
    expect(stateOf(run)['best']).toMatchObject({ step: 2 });
  });

  it('looks for another best checkpoint where it is measured on something else from now on', async () => {
    const run = join(folder, 'measured on less');
    const stop = abortAt((event) => event.kind === 'metrics' && event.line.step === 3);
    await train(await smokeConfig(run, validated), stop);
    expect(trainerStateOf(run, 3)).toMatchObject({ best: { step: 2 } });
    const notes: string[] = [];
    const less = await smokeConfig(run, [...validated, 'eval_questions=1', 'max_steps=4']);
    const onEvent = (event: TrainingEvent): void => void (event.kind === 'note' && notes.push(event.text));
    expect(await train(less, { resume: true, onEvent })).toMatchObject({ best: { step: 4 } });
    expect(notes).toEqual([expect.stringContaining('was measured on something else')]);
  });

  it('is not taken up with other data under the same name', async () => {
    const run = join(folder, 'other data');
    const own = written('changing.jsonl', [{ id: 1, question: 'why rust', positives: ['iron'] }]);
    const config = await smokeConfig(run, [...quick, `train_data=[${JSON.stringify(own)}]`, 'max_steps=1']);
    await train(config);
    const before = fileHashes(run);
    written('changing.jsonl', [{ id: 1, question: 'why rust', positives: ['water'] }]);
    await expect(train({ ...config, max_steps: 2 }, { resume: true })).rejects.toMatchObject({
      code: 'USAGE',
      what: 'the data has changed since the run was begun',
      where: own,
    });
    expect(fileHashes(run)).toEqual(before);
  });

  it('is taken up where its files were meddled with, or says which is damaged', async () => {
    const run = join(folder, 'meddled');
    await train(await smokeConfig(run, [...quick, 'max_steps=2', 'save_steps=1']));
    appendFileSync(join(run, 'metrics.jsonl'), 'null\n7\n{"kind":"train"}\n');
    const more = await smokeConfig(run, [...quick, 'max_steps=3', 'save_steps=1']);
    await train(more, { resume: true });
    expect(linesOf(run).map(({ step }) => step)).toEqual([1, 2, 3]);
    const last = join(run, 'checkpoint-3');
    for (const name of ['model.safetensors', 'optimizer.safetensors', 'config.json']) {
      const path = join(last, name);
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.subarray(0, 20));
      await expect(train({ ...more, max_steps: 4 }, { resume: true })).rejects.toMatchObject({
        where: expect.stringContaining(path) as string,
        hint: expect.stringContaining(`take ${last} away`) as string,
      });
      writeFileSync(path, bytes);
    }
    rmSync(join(run, 'samples'), { recursive: true });
    writeFileSync(join(run, 'samples'), '');
    await expect(train({ ...more, max_steps: 4 }, { resume: true })).rejects.toMatchObject({
      name: 'QuernError',
    });
  });

  it('is not taken up for fewer steps than it has made', async () => {
    const run = join(folder, 'through');
    await expect(
      train(await smokeConfig(run, [...validated, 'max_steps=2']), { resume: true }),
    ).rejects.toThrow(/has made 8 steps already/);
  });

  it('generates as many completions at a time as before', async () => {
    const run = join(folder, 'rows');
    await train(await smokeConfig(run, [...quick, 'max_steps=1']));
    const state = trainerStateOf(run, 1);
    expect(state).toMatchObject({ rows: 4 });
    writeFileSync(join(run, 'checkpoint-1/trainer_state.json'), JSON.stringify({ ...state, rows: 3 }));
    await train(await smokeConfig(run, [...quick, 'max_steps=2']), { resume: true });
    expect(trainerStateOf(run, 2)).toMatchObject({ rows: 3 });
  });

  it('tells of a checkpoint that could not be written when it was stopped', async () => {
    const run = join(folder, 'gone');
    const notes: string[] = [];
    const controller = new AbortController();
    const onEvent = (event: TrainingEvent): void => {
      if (event.kind === 'note') notes.push(event.text);
      if (event.kind !== 'metrics' || event.line.step !== 3) return;
      // No folder can be made in what is a file.
      rmSync(run, { recursive: true });
      writeFileSync(run, '');
      controller.abort();
    };
    await expect(
      train(await smokeConfig(run, quick), { onEvent, signal: controller.signal }),
    ).rejects.toThrow(/ENOTDIR|not a directory|is a file|IO|file/i);
    expect(notes).toEqual([expect.stringContaining('no checkpoint of step 3 could be written')]);
    rmSync(run);
  });

  it('stops between two steps of a rollout with a checkpoint of none of them, and makes them again', async () => {
    const set = [...quick, 'steps_per_generation=2', 'max_steps=4'];
    const whole = join(folder, 'two steps');
    await train(await smokeConfig(whole, set));
    const run = join(folder, 'two steps stopped');
    const config = await smokeConfig(run, set);
    const controller = new AbortController();
    // The abort is heard after the answer, within the update.
    server.before = (batch) => (batch === 3 + 1 ? controller.abort() : undefined);
    expect(await train(config, { signal: controller.signal })).toMatchObject({ status: 'stopped', step: 2 });
    expect(checkpointsOf(run)).toEqual(['checkpoint-2']);
    await server.open();
    await train(config, { resume: true });
    expect(madeBy(run, 4)).toEqual(madeBy(whole, 4));
  });

  it('tells of a reward that went away, keeps the last whole step, and goes on when it is back', async () => {
    const run = join(folder, 'reward away');
    const config = await smokeConfig(run, quick);
    server.before = async (batch) => {
      if (batch === 4) await server.close();
    };
    await expect(train(config)).rejects.toMatchObject({ code: 'NETWORK' });
    expect(stateOf(run)).toMatchObject({ status: 'failed', step: 3 });
    expect(stateOf(run)['error']).toContain(server.url);
    expect(checkpointsOf(run)).toEqual(['checkpoint-3']);
    await expect(train(config, { resume: true })).rejects.toMatchObject({ code: 'NETWORK' });
    expect(checkpointsOf(run)).toEqual(['checkpoint-3']);
    await server.open();
    await train(config, { resume: true });
    const whole = join(folder, 'reward there');
    await train(await smokeConfig(whole, quick));
    expect(madeBy(run, 8)).toEqual(madeBy(whole, 8));
  });

  it.each([
    { what: 'no number', answer: '{"rewards":[{"reward":NaN,"parts":{}}]}' },
    { what: 'none', answer: '{"rewards":[{"reward":null,"parts":{}}]}' },
    {
      what: 'too large for a number',
      answer: `{"rewards":[${Array(4).fill('{"reward":1e999,"parts":{}}')}]}`,
    },
    { what: 'too few', answer: '{"rewards":[{"reward":1,"parts":{}}]}' },
  ])('ends where rewards are $what', async ({ what, answer }) => {
    const run = join(folder, `rewards ${what}`);
    server.before = (batch) => (batch === 2 ? answer : undefined);
    const config = await smokeConfig(run, quick);
    await expect(train(config)).rejects.toMatchObject({ code: 'BAD_REPLY' });
    expect(stateOf(run)).toMatchObject({ status: 'failed', step: 1 });
    expect(checkpointsOf(run)).toEqual(['checkpoint-1']);
  });

  it('ends where the loss is too large, and leaves the last checkpoint as it was', async () => {
    const probe = linesOf(join(folder, 'reward there')).map(({ loss }) => Math.abs(Number(loss)));
    expect(Math.max(...probe)).toBeGreaterThan(0);
    const run = join(folder, 'diverged');
    // Two rewards of a group that are the same teach nothing, and their loss is none: so the first two steps are.
    const flat = JSON.stringify({ rewards: Array.from({ length: 4 }, () => ({ reward: 1, parts: {} })) });
    server.before = (batch) => (batch <= 2 ? flat : undefined);
    const config = await smokeConfig(run, [...quick, 'beta=0', 'max_loss=1e-12', 'save_steps=1']);
    await expect(train(config)).rejects.toMatchObject({
      code: 'DIVERGED',
      what: expect.stringMatching(
        /^the loss of step 3 is \S+ after a batch of \d+ completions with \d+ tokens$/,
      ) as string,
    });
    expect(stateOf(run)).toMatchObject({ status: 'failed', step: 2 });
    expect(stateOf(run)['error']).toContain('the loss of step 3');
    expect(checkpointsOf(run)).toEqual(['checkpoint-1', 'checkpoint-2']);
    // Weights that are no numbers would not have been saved; these load.
    const model = await Qwen2Model.load(join(run, 'checkpoint-2'), { device: 'cpu' });
    for (const weight of model.weights.values()) {
      expect((weight.data() as Float32Array).every(Number.isFinite)).toBe(true);
    }
    model.close();
    const before = fileHashes(join(run, 'checkpoint-2'));
    await server.open();
    await expect(train(config, { resume: true })).rejects.toMatchObject({ code: 'DIVERGED' });
    expect(fileHashes(join(run, 'checkpoint-2'))).toEqual(before);
  });

  it.each([
    {
      what: 'is missing',
      path: () => join(folder, 'nowhere.jsonl'),
      code: 'NOT_FOUND',
      where: 'nowhere.jsonl',
    },
    {
      what: 'has a question without positives',
      path: () =>
        written('bare.jsonl', [
          { question: 'a', positives: ['b'] },
          { question: 'c', positives: [] },
        ]),
      code: 'BAD_INPUT',
      where: 'bare.jsonl:2',
    },
    {
      what: 'has an id twice',
      path: () =>
        written('twice.jsonl', [
          { id: 'x', question: 'a', positives: ['b'] },
          { id: 'x', question: 'c', positives: ['d'] },
        ]),
      code: 'BAD_INPUT',
      where: 'twice.jsonl:2',
    },
    { what: 'is empty', path: () => written('empty.jsonl', []), code: 'BAD_INPUT', where: 'empty.jsonl' },
  ])('tells of data that $what', async ({ what, path, code, where }) => {
    const run = join(folder, `data ${what}`);
    const config = await smokeConfig(run, [...quick, `train_data=[${JSON.stringify(path())}]`]);
    await expect(train(config)).rejects.toMatchObject({
      code,
      where: expect.stringContaining(where) as string,
    });
    // Nothing is left of a run that never began, so that its folder can be named again.
    expect(existsSync(run)).toBe(false);
  });

  it('tells of prompts that are all too long', async () => {
    const run = join(folder, 'long prompts');
    const config = await smokeConfig(run, [...quick, 'max_prompt_length=5']);
    const notes: TrainingEvent[] = [];
    await expect(train(config, { onEvent: (event) => notes.push(event) })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      what: 'no question has a prompt of at most 5 tokens',
    });
    expect(notes).toContainEqual({
      kind: 'note',
      text: '5 of 5 questions are left out: their prompts are longer than 5 tokens',
    });
  });

  it('is refused before anything is loaded where memory has no room for it', async () => {
    const run = join(folder, 'no room');
    const config = await smokeConfig(run, [...quick, 'tokens_per_micro_batch=1000000000']);
    await expect(train(config)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
    expect(server.asked).toBe(0);
    // Nothing is left of a run that never began, so that its folder can be named again.
    expect(existsSync(run)).toBe(false);
  });

  it('is not begun where its folder cannot be made', async () => {
    const file = written('no folder', []);
    await mkdir(join(folder, 'other'), { recursive: true });
    await expect(train(await smokeConfig(file, quick))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });
});
