/** Rollouts as verl writes them (`trainer.rollout_data_dir`). */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathKindIfAny } from '../../collections/files.ts';
import { readJsonl } from '../../collections/jsonl.ts';
import { advantagesOf } from '../advantages.ts';
import type { TrainConfig } from '../configuration/train-config.ts';
import type { EngineSamples } from './engine.ts';
import { stepsOfRollout } from './rollouts.ts';

/** The rollouts in a job's folder that were written to their end, the first one first. */
export async function verlSamples(folder: string, config: TrainConfig): Promise<EngineSamples[]> {
  const root = join(folder, 'rollouts');
  const found: EngineSamples[] = [];
  for (const name of (await pathKindIfAny(root))?.isFolder ? await readdir(root) : []) {
    const rollout = /^(\d{1,12})\.jsonl$/.exec(name)?.[1];
    const path = join(root, name);
    if (rollout === undefined || !(await isWhole(path, config))) continue;
    const step = Number(rollout) * stepsOfRollout(config);
    found.push({ step, path, records: () => recordsOf(path, step, { folder, config }) });
  }
  return found.sort((a, b) => a.step - b.step);
}

/** A thread of its own writes them, a completion a line. */
async function isWhole(path: string, { generation_batch_size: completions }: TrainConfig): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').length > completions;
}

async function recordsOf(
  path: string,
  step: number,
  { folder, config }: { readonly folder: string; readonly config: TrainConfig },
): Promise<unknown[]> {
  const questions = new Map<unknown, { readonly id: string; readonly question: string }>();
  for await (const { record } of readJsonl(join(folder, 'questions.jsonl'))) {
    questions.set(record['answer'], { id: String(record['id']), question: String(record['question']) });
  }
  const lines: { readonly answer: unknown; readonly text: string; readonly reward: number }[] = [];
  for await (const { record } of readJsonl(path)) {
    lines.push({ answer: record['gts'], text: String(record['output']), reward: Number(record['score']) });
  }
  const size = config.num_generations;
  const groups = Array.from({ length: Math.floor(lines.length / size) }, (_, i) =>
    lines.slice(i * size, (i + 1) * size),
  );
  const { advantages } = advantagesOf(
    groups.map((group) => group.map(({ reward }) => reward)),
    config.scale_rewards,
  );
  return groups.map((group, i) => ({
    step,
    id: questions.get(group[0].answer)?.id ?? String(i),
    question: questions.get(group[0].answer)?.question ?? '',
    completions: group.map(({ text, reward }, j) => ({
      text,
      reward,
      parts: {},
      advantage: advantages[i][j],
    })),
  }));
}
