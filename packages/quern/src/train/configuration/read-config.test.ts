import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configYaml, readTrainConfig, type ConfigSources } from './read-config.ts';
import { fieldNames, loraTargets, type TrainConfig } from './train-config.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quern-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(text: string): Promise<string> {
  const file = join(folder, 'run.yaml');
  await writeFile(file, text);
  return file;
}

const whole = 'model_name_or_path: m\ntrain_data: d\nreward: lexical\noutput_dir: run\n';

/** What a file's text reads as, after lines that must be there. */
async function read(text: string, rest: ConfigSources = {}): Promise<TrainConfig> {
  return readTrainConfig({ file: await fileOf(whole + text), ...rest });
}

describe('a configuration', () => {
  it('is a preset, then a file, then what is set, then the folder', async () => {
    const config = await read('max_steps: 7\nseed: 7\n', {
      preset: 'smoke',
      set: ['seed=8'],
      out: 'elsewhere',
    });
    expect(config).toMatchObject({
      num_generations: 4,
      model_name_or_path: 'm',
      max_steps: 7,
      seed: 8,
      output_dir: 'elsewhere',
    });
  });

  it('has the values of the contract where nothing is said', async () => {
    expect(await read('')).toMatchObject({
      method: 'grpo',
      prompt: 'training',
      generation_batch_size: 192,
      num_generations: 16,
      learning_rate: 1e-6,
      adam_beta2: 0.99,
      beta: 0.008,
      epsilon_high: 0.2,
      loss_type: 'dapo',
      generation_rows: 'auto',
      lora_target_modules: ['all-linear'],
      max_loss: null,
    });
  });

  it('takes null for the default, so that what a preset sets can be unset', async () => {
    const config = await read('num_generations: null\ngeneration_batch_size: ~\n', { preset: 'smoke' });
    expect(config).toMatchObject({ num_generations: 16, generation_batch_size: 192 });
  });

  it('clips as far above as below unless told otherwise', async () => {
    expect((await read('epsilon: 0.1\n')).epsilon_high).toBe(0.1);
    expect((await read('epsilon: 0.1\nepsilon_high: 0.28\n')).epsilon_high).toBe(0.28);
  });

  it('may be JSON', async () => {
    const text = JSON.stringify({
      model_name_or_path: 'm',
      train_data: ['d'],
      reward: 'lexical',
      output_dir: 'o',
    });
    expect((await readTrainConfig({ file: await fileOf(text) })).output_dir).toBe('o');
  });

  it('may be an empty file over a preset', async () => {
    expect(
      (await readTrainConfig({ preset: 'smoke', file: await fileOf('# nothing\n'), out: 'o' })).max_steps,
    ).toBe(3);
  });
});

describe('what is set', () => {
  it.each([
    ['learning_rate=2e-5', { learning_rate: 2e-5 }],
    ['use_peft=true', { use_peft: true }],
    ['bf16=auto', { bf16: 'auto' }],
    ['bf16=false', { bf16: false }],
    ['generation_rows=12', { generation_rows: 12 }],
    ['train_data=sample:', { train_data: ['sample:'] }],
    ['train_data=[a.jsonl, "b c"]', { train_data: ['a.jsonl', 'b c'] }],
    ['model_name_or_path=2024', { model_name_or_path: '2024' }],
    ['reward=http://localhost:8700/score', { reward: 'http://localhost:8700/score' }],
    ['reward=mix:1*lexical,-0.1*length:400', { reward: 'mix:1*lexical,-0.1*length:400' }],
    ['lora_target_modules=q_proj', { lora_target_modules: ['q_proj'] }],
    ['max_loss=null', { max_loss: null }],
  ])('%s', async (set, expected) => {
    expect(await read('', { set: [set] })).toMatchObject(expected);
  });

  it.each([
    ['max_step=3', /^--set max_step: unknown field max_step\. Did you mean max_steps\?$/],
    ['quite_another=3', /^--set quite_another: unknown field quite_another$/],
    ['__proto__=3', /^--set __proto__: unknown field __proto__$/],
    ['max_steps=0', /^--set max_steps: max_steps must be a whole number of 1 or more, not 0$/],
    ['max_steps=2.5', /must be a whole number of 1 or more, not 2\.5/],
    ['max_steps=1e400', /must be a whole number of 1 or more, not Infinity/],
    ['top_p=.nan', /must be a number above 0, at most 1, not NaN/],
    ['warmup_ratio=1.5', /must be a number from 0 to 1, not 1\.5/],
    ['epsilon_high=-0.1', /must be a number of 0 or more, not -0\.1/],
    ['num_generations=1', /must be a whole number of 2 or more, not 1/],
    ['method=ppo', /must be grpo or sft, not "ppo"/],
    ['device=gpu', /must be cpu, cuda or cuda:N, not "gpu"/],
    ['output_dir=a\u0007b', /must be text on one line, not "a\\u0007b"/],
    [
      'lora_target_modules=[q_proj, lm_head]',
      /must be a list of all-linear, q_proj.*not \["q_proj","lm_head"\]/,
    ],
    ['eval_collection=biology', /must be beir:FOLDER, bright:SUBSET.*not "biology"/],
    ['max_steps=[', /^--set max_steps: "\[" is no YAML$/],
    ['max_steps', /^--set: "max_steps" sets nothing\. Write key=value/],
    ['=3', /^--set: "=3" sets nothing/],
  ])('%s is refused', async (set, message) => {
    const found = read('', { set: [set] });
    await expect(found).rejects.toThrow(expect.objectContaining({ code: 'USAGE' }));
    await expect(found).rejects.toThrow(message);
  });
});

describe('fields that do not go together', () => {
  it.each([
    [
      'generation_batch_size=100',
      /^--set generation_batch_size: generation_batch_size: 100 completions .* e\.g\. 96$/,
    ],
    [
      'steps_per_generation=5',
      /^--set steps_per_generation: .*12 prompts .* cannot be divided among 5 steps/,
    ],
    ['soft_punish_cache=501', /501 tokens are more than max_completion_length 500/],
    ['reward=lexcal', /"lexcal" is no reward/],
    ['reward=truncation', /"truncation" is no reward/],
    ['reward=mix:lexical', /is no part of a mix/],
    ['reward=http://', /is no address/],
    ['reward=http://localhost:8700/score?a=b', /an address with a query/],
    [
      'reward=http://u:hunter2@localhost:8700',
      /reward: is an address with a user or a password(?!.*hunter2)/,
    ],
    ['vllm_server_base_url=http://u:hunter2@h', /url: is an address with a user or a password(?!.*hunter2)/],
    ['num_iterations=4', /150 steps are no whole number of rollouts of 4 .*e.g. 152/],
    ['reward=null', /grpo needs a reward/],
    ['reward_index=i', /is for retrieval:MEASURE, and the reward is lexical/],
    ['train_data=[]', /names nothing to learn from/],
    ['lora_target_modules=[]', /names no matrix/],
    ['lora_target_modules=[q_proj, q_proj]', /names a matrix twice/],
    ['lora_target_modules=[q_proj, all-linear]', /stands alone/],
    ['eval_split=dev', /is of eval_collection, which is not given/],
    ['eval_steps=5', /there is nothing to validate on/],
  ])('%s', async (set, message) => {
    await expect(read('', { set: [set] })).rejects.toThrow(message);
  });

  it.each([
    ['eval_collection: bright:biology', /reward is measured on eval_data/],
    ['eval_data: v.jsonl\nmetric_for_best_model: ndcg@10', /ndcg@10 is measured on eval_collection/],
  ])('validation of %j', async (text, message) => {
    await expect(read(`eval_steps: 5\n${text}\n`)).rejects.toThrow(message);
  });

  it('are told at the place of the one that was given', async () => {
    await expect(read('num_generations: 10\n')).rejects.toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', where: `${join(folder, 'run.yaml')}:5` }),
    );
  });

  it('sft needs no reward and no groups', async () => {
    const config = await read('method: sft\ngeneration_batch_size: 7\n', { set: ['reward=null'] });
    expect(config).toMatchObject({ method: 'sft', generation_batch_size: 7 });
    expect(config.reward).toBeUndefined();
  });

  it('an index is for retrieval in it, not for a reward at an address', async () => {
    const set = ['reward_index=i', 'reward=retrieval:ndcg@10'];
    expect(await read('', { set })).toMatchObject({ reward_index: 'i' });
    await expect(read('', { set: ['reward_index=i', 'reward=http://h/'] })).rejects.toThrow(
      /quern reward serve/,
    );
  });
});

describe('a file that is refused', () => {
  const bomb = `a: &a [${'x,'.repeat(20)}]\nb: &b [${'*a,'.repeat(20)}]\nc: &c [${'*b,'.repeat(20)}]\nd: [${'*c,'.repeat(20)}]\n`;
  it.each([
    [
      'an unknown field',
      'learning_rat: 1\n',
      /run\.yaml:5: unknown field learning_rat\. Did you mean learning_rate\?$/,
    ],
    ['a wrong value', 'seed: abc\n', /run\.yaml:5: seed must be a whole number of 0 or more, not "abc"$/],
    ['a field given twice', 'seed: 1\nseed: 2\n', /run\.yaml:6: not valid YAML or JSON/],
    [
      'an unquoted sample:',
      'eval_data: [sample:]\n',
      /eval_data must be a list of files or folders, not \[\{"sample":null\}\]/,
    ],
    ['no YAML', 'seed: [1\n', /run\.yaml:\d+: not valid YAML or JSON/],
    ['aliases that make much of little', bomb, /cannot be read: Excessive alias count/],
    ['an unknown tag', 'seed: !!python/object:os.system 1\n', /run\.yaml:5: not valid YAML or JSON/],
  ])('%s', async (_, text, message) => {
    const found = read(text);
    await expect(found).rejects.toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
    await expect(found).rejects.toThrow(message);
  });

  it.each([['- a list\n'], ['text\n']])('%j, which has no fields', async (text) => {
    await expect(readTrainConfig({ file: await fileOf(text) })).rejects.toThrow(/is no configuration/);
  });

  it('one of more than a MiB', async () => {
    await expect(read(`# ${'x'.repeat(1 << 20)}\n`)).rejects.toThrow(/is larger than 1048576 bytes/);
  });

  it('one that is not there', async () => {
    await expect(readTrainConfig({ file: join(folder, 'none.yaml') })).rejects.toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    );
  });
});

describe('what must be given', () => {
  it('is asked for, with what to do', async () => {
    await expect(readTrainConfig({})).rejects.toThrow(
      'model_name_or_path must be given. Say --set model_name_or_path=…, or take a --preset',
    );
    await expect(readTrainConfig({ preset: 'smoke' })).rejects.toThrow(
      /output_dir must be given.*--out FOLDER/,
    );
  });

  it('a preset that is none is refused with the names of those there are', async () => {
    await expect(readTrainConfig({ preset: 'tongsearch' })).rejects.toThrow(
      '--preset: "tongsearch" is no preset. Presets are tongsearch-1.5b, tongsearch-7b, modern, laptop-0.5b-lora or smoke',
    );
  });
});

const line = fc.stringMatching(/^[^\p{Cc}]{1,40}$/u);
const share = fc.double({ min: 0, max: 1, noNaN: true });

it('reads as the same after it is written', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        model_name_or_path: line,
        train_data: fc.array(line, { minLength: 1, maxLength: 3 }),
        output_dir: line,
        eval_data: fc.array(line, { maxLength: 2 }),
        eval_split: fc.option(line, { nil: undefined }),
        learning_rate: fc.double({ min: 0, minExcluded: true, noDefaultInfinity: true, noNaN: true }),
        warmup_ratio: share,
        epsilon: share,
        seed: fc.maxSafeNat(),
        bf16: fc.constantFrom('auto', true, false),
        generation_rows: fc.oneof(fc.constant('auto'), fc.integer({ min: 1 })),
        lora_target_modules: fc.uniqueArray(fc.constantFrom(...loraTargets), { minLength: 1 }),
        max_loss: fc.option(fc.double({ min: 1, noNaN: true, noDefaultInfinity: true })),
      }),
      async (fields) => {
        const given = JSON.stringify({ ...fields, reward: 'lexical', eval_collection: 'beir:c' });
        const config = await readTrainConfig({ file: await fileOf(given) });
        const yaml = configYaml(config);
        const again = await readTrainConfig({ file: await fileOf(yaml) });
        expect(again).toEqual(config);
        expect(configYaml(again)).toBe(yaml);
      },
    ),
    { numRuns: 200 },
  );
});

it('is written one field a line, in the order of the documentation', async () => {
  const names = configYaml(await read(''))
    .trimEnd()
    .split('\n')
    .map((text) => text.split(':')[0]);
  expect(names).toEqual(fieldNames.filter((name) => names.includes(name)));
  expect(names).toHaveLength(60);
});
