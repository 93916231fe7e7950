/** `quern train --engine verl` from its beginning to its end, killed and stopped, with a program in the trainer's place. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { finished, startQuern } from './run-quern.ts';
import { linesOf, questionsFile, stateOf } from './small-training.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { hasTestPython, testPythonProgram } from './test-python.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const folder = temporaryFolder();
const model = join(folder, 'model');

/** Does what verl.trainer.main_ppo does in the folder of its job, but for training: asks for rewards, logs, writes, goes on. */
const trainer = `
import importlib.util, json, os, shutil, sys, time, urllib.parse
at = sys.argv[sys.argv.index("--config-path") + 1]
spec = importlib.util.spec_from_file_location("plug", os.path.join(at, "quern_reward.py"))
plug = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plug)
with open(os.path.join(at, "data.jsonl")) as file:
    rows = [json.loads(line) for line in file]
states = os.path.join(at, "checkpoints")
latest = os.path.join(states, "latest_checkpointed_iteration.txt")
done = int(open(latest).read()) if os.path.exists(latest) else 0
for step in range(done + 1, 5):
    row = rows[step - 1]
    outputs = [json.loads(row["reward_model"]["ground_truth"])["positives"][0], "something else"]
    scores = [plug.compute_score(row["data_source"], text, row["reward_model"]["ground_truth"], row["extra_info"]) for text in outputs]
    if step % 2 == 0:
        whole = os.path.join(states, f"global_step_{step}")
        shutil.copytree(os.environ["MODEL"], os.path.join(whole, "actor", "huggingface"))
        open(os.path.join(whole, "data.pt"), "w").close()
        with open(latest, "w") as file:
            file.write(str(step))
    os.makedirs(os.path.join(at, "rollouts"), exist_ok=True)
    with open(os.path.join(at, "rollouts", f"{step}.jsonl"), "w") as file:
        for text, score in zip(outputs, scores):
            line = {"input": "", "output": text, "gts": row["reward_model"]["ground_truth"], "score": score, "step": step}
            file.write(json.dumps(line) + "\\n")
    print(f"(TaskRunnerV1 pid=1) step:{step} - critic/score/mean:{sum(scores) / 2} - actor/loss:0.5 - perf/total_num_tokens:10", flush=True)
    if step == 3 and os.environ.get("HOLD") and not done:
        time.sleep(60)
`;

function train(name: string, args: readonly string[], env: object = {}): ReturnType<typeof startQuern> {
  return startQuern(['train', '--out', join(folder, name), '--python', testPythonProgram, ...args], {
    env: { QUERN_CACHE: join(folder, 'cache'), PYTHONPATH: join(folder, 'packages'), MODEL: model, ...env },
  });
}

const begun = (): string[] => [
  '--engine',
  'verl',
  ...[
    `model_name_or_path=${model}`,
    `train_data=${questionsFile(folder)}`,
    'reward=lexical',
    'vllm_mode=colocate',
    'max_steps=4',
    'save_steps=2',
    'generation_batch_size=2',
    'num_generations=2',
    'log_completions_steps=1',
  ].flatMap((each) => ['--set', each]),
];

describe.skipIf(!hasTestPython)('a run on verl', () => {
  beforeAll(async () => {
    await writeTinyCheckpoint(model);
    mkdirSync(join(folder, 'packages/verl/trainer'), { recursive: true });
    for (const at of ['verl', 'verl/trainer']) writeFileSync(join(folder, 'packages', at, '__init__.py'), '');
    writeFileSync(join(folder, 'packages/verl/trainer/main_ppo.py'), trainer);
  });

  it('is stopped, goes on from its last checkpoint, and has metrics, samples and checkpoints in the end', async () => {
    const run = join(folder, 'run');
    const first = train('run', begun(), { HOLD: '1' });
    const ended = finished(first);
    await expect
      .poll(() => existsSync(join(run, 'metrics.jsonl')) && linesOf(run).length, { timeout: 30_000 })
      .toBe(3);
    first.kill('SIGINT');
    expect((await ended).code).toBe(1);
    expect(stateOf(run)).toMatchObject({ status: 'stopped', step: 3 });
    const { code, stderr } = await finished(train('run', ['--resume']));
    expect(stderr).not.toMatch(/step [12]\/4/);
    expect(code).toBe(0);
    expect(linesOf(run).map((line) => [line['step'], line['num_tokens'], line['loss']])).toEqual(
      [1, 2, 3, 4].map((step) => [step, step * 10, 0.5]),
    );
    expect(
      readdirSync(run)
        .filter((name) => /^checkpoint-\d+$/.test(name))
        .sort(),
    ).toEqual(['checkpoint-2', 'checkpoint-4']);
    const sample = JSON.parse(readFileSync(join(run, 'samples/step-4.jsonl'), 'utf8')) as {
      question: string;
      completions: { reward: number; advantage: number }[];
    };
    expect(sample.question).toMatch(/^why /);
    expect(sample.completions[0].reward).toBeGreaterThan(sample.completions[1].reward);
    expect(sample.completions[0].advantage).toBeGreaterThan(0);
    expect(stateOf(run)).toMatchObject({ status: 'done', step: 4 });
  }, 60_000);

  it('is stopped where the loss goes beyond max_loss', async () => {
    const { code, stderr } = await finished(
      train('diverging', [...begun(), '--set', 'max_loss=0.25'], { HOLD: '1' }),
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/the loss of step 1 is 0\.5/);
    expect(stateOf(join(folder, 'diverging'))).toMatchObject({ status: 'failed' });
  }, 60_000);

  it('is written by a dry run, which tells how it is started, and starts nothing', async () => {
    const { code, stdout } = await finished(train('dry', [...begun(), '--dry-run']));
    expect(code).toBe(0);
    expect(stdout).toMatch(/quern_ray\.py ray\.json\n[^]*ray job submit --address/);
    expect(readdirSync(join(folder, 'dry/engine')).sort()).toEqual([
      'cluster.sh',
      'data.jsonl',
      'job.json',
      'quern_ray.py',
      'quern_reward.py',
      'questions.jsonl',
      'ray.json',
      'runtime-env.json',
      'verl.txt',
      'verl.yaml',
    ]);
  });
});
