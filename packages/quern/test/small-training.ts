/** Runs of training that take seconds, and what is compared of two of them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTrainConfig } from '../src/train/configuration/read-config.ts';
import type { TrainConfig } from '../src/train/configuration/train-config.ts';
import { fileHashes } from './file-hashes.ts';

export type Line = Record<string, string | number>;

/** Five short questions. Returns the file. */
export function questionsFile(folder: string): string {
  const path = join(folder, 'questions.jsonl');
  const records = ['rust', 'sleep', 'tides', 'yeast', 'glass'].map((word) =>
    JSON.stringify({ id: word, question: `why ${word}`, positives: [`about ${word}`] }),
  );
  writeFileSync(path, `${records.join('\n')}\n`);
  return path;
}

/** What makes the preset `smoke` quick, with all that could differ between two runs at work. */
export function quickSettings({ data, reward }: { data: string; reward: string }): string[] {
  return [
    'device=cpu',
    `train_data=[${JSON.stringify(data)}]`,
    `reward=${reward}`,
    'reward_retries=0',
    'generation_batch_size=4',
    'num_generations=2',
    'max_completion_length=8',
    'learning_rate=1e-3',
    'beta=0.05',
    'save_steps=2',
    'max_steps=8',
  ];
}

export function smokeConfig(out: string, set: readonly string[]): Promise<TrainConfig> {
  return readTrainConfig({ preset: 'smoke', out, set });
}

export function linesOf(run: string): Line[] {
  return readFileSync(join(run, 'metrics.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

export function stateOf(run: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(run, 'state.json'), 'utf8')) as Record<string, unknown>;
}

export interface Made {
  readonly checkpoint: Record<string, string>;
  readonly samples: Record<string, string>;
  readonly metrics: Line[];
}

/** What two runs that are the same have in common: all of the last checkpoint, the samples, and metrics but time and memory. */
export function madeBy(run: string, step: number): Made {
  const samples = join(run, 'samples');
  return {
    checkpoint: fileHashes(join(run, `checkpoint-${step}`)),
    samples: existsSync(samples) ? fileHashes(samples) : {},
    metrics: linesOf(run).map((line) =>
      Object.fromEntries(
        Object.entries(line).filter(
          ([name]) => !/^(?:time$|step_time$|seconds\/|tokens_per_second\/|memory\/)/.test(name),
        ),
      ),
    ),
  };
}
