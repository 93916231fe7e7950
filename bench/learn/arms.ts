/** The arms of the experiment: the same training by several rewards, and by one whose positives belong to other questions. */
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readTrainConfig, trainInThread, type TrainConfig } from 'quern/train';

/** By their names. */
export const arms = {
  similarity: { data: 'grpo.jsonl', reward: 'similarity' },
  lexical: { data: 'grpo.jsonl', reward: 'lexical' },
  retrieval: { data: 'grpo.jsonl', reward: 'retrieval' },
  shuffled: { data: 'grpo-shuffled.jsonl', reward: 'similarity' },
} as const;

export type ArmName = keyof typeof arms;

export const armNames = Object.keys(arms) as readonly ArmName[];

/** How an arm is trained, where the defaults of the experiment are not to be taken. */
export interface ArmSettings {
  readonly arm: ArmName;
  readonly seed: number;
  readonly steps: number;
  /** The embedder of the similarity reward, `torch:FOLDER`. */
  readonly embedder: string;
  readonly device: string;
  /** When it is stopped, if it is not done. */
  readonly minutes?: number;
  /** `key=value` of the configuration. */
  readonly set: readonly string[];
}

/** Trains an arm from the warm start in `work`, or goes on where it was broken off. Returns its last checkpoint. */
export async function trainArm(work: string, settings: ArmSettings): Promise<string> {
  const { arm, seed, steps, embedder, device, minutes, set } = settings;
  const { data, reward } = arms[arm];
  const rewards: Record<string, string> = {
    similarity: `similarity:${embedder}`,
    lexical: 'lexical',
    // Mean reciprocal rank would be 0 for almost all texts of so small a model; how far ranks rise says more.
    retrieval: 'retrieval:rank',
  };
  const out = join(work, 'arms', `${arm}-${seed}`);
  const config: TrainConfig = await readTrainConfig({
    out,
    set: [
      `model_name_or_path=${join(work, 'warm')}`,
      `train_data=${join(work, 'data', data)}`,
      `prompt=inference`,
      `reward=${rewards[reward]}`,
      ...(reward === 'retrieval' ? [`reward_index=${join(work, 'textbooks.index')}`] : []),
      `seed=${seed}`,
      `max_steps=${steps}`,
      `device=${device}`,
      'generation_batch_size=512',
      'num_generations=16',
      'max_prompt_length=400',
      'max_completion_length=192',
      'learning_rate=3e-4',
      'lr_scheduler_type=constant',
      'warmup_ratio=0.05',
      'weight_decay=0',
      'max_grad_norm=1',
      'beta=0.01',
      'loss_type=dapo',
      'tokens_per_micro_batch=32768',
      'gradient_checkpointing=false',
      'eval_steps=20',
      `eval_data=${join(work, 'data', 'grpo-validation.jsonl')}`,
      'eval_questions=256',
      `eval_collection=beir:${join(work, 'textbooks')}`,
      'eval_split=validation',
      `eval_index=${join(work, 'textbooks.index')}`,
      'save_steps=1000',
      'save_total_limit=1',
      'log_completions_steps=20',
      ...set,
    ],
  });
  await mkdir(join(work, 'arms'), { recursive: true });
  const resume = existsSync(join(out, 'config.yaml'));
  const outcome = await trainInThread(config, {
    resume,
    ...(minutes !== undefined && { signal: AbortSignal.timeout(minutes * 60_000) }),
    onEvent: (event) => {
      if (event.kind === 'note') console.log(event.text);
      else if (event.kind === 'metrics') console.log(lineOf(event.line));
    },
  });
  if (outcome.checkpoint === undefined) throw new Error(`${out} has no checkpoint`);
  return join(out, `checkpoint-${outcome.step}`);
}

function lineOf(line: Readonly<Record<string, number | string | boolean>>): string {
  const names =
    line['kind'] === 'eval'
      ? ['eval/reward', 'eval/ndcg@10', 'eval/ndcg@10/none', 'eval/completions/mean_length']
      : ['reward', 'reward_std', 'kl', 'entropy', 'completions/mean_length', 'step_time'];
  const told = names.flatMap((name) =>
    typeof line[name] === 'number' ? [`${name} ${line[name].toFixed(4)}`] : [],
  );
  return `${String(line['kind'])} ${String(line['step'])}: ${told.join(', ')}`;
}

/** The runs that are there. */
export async function armRuns(work: string): Promise<string[]> {
  return existsSync(join(work, 'arms')) ? (await readdir(join(work, 'arms'))).sort() : [];
}
