/** Runs of training that are written by hand, with lines that are known. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What would change the title, were it taken for markup. */
export const attack = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;

/** When the first line of a run was written. */
const start = Date.UTC(2026, 0, 1);

/** A line of `metrics.jsonl`, a minute a step. */
export function metricsLine(kind: 'train' | 'eval', step: number, figures: object): string {
  return `${JSON.stringify({ kind, step, ...figures, time: new Date(start + step * 60_000).toISOString() })}\n`;
}

/** Figures of a run that goes well, at a step. */
export function goodFigures(step: number): Record<string, number> {
  const wave = Math.sin(step * 1.7);
  return {
    reward: 0.1 + step / 100 + 0.03 * wave,
    reward_std: 0.1,
    'rewards/similarity/mean': 0.1 + step / 120 + 0.02 * wave,
    'rewards/similarity/std': 0.05,
    'rewards/format/mean': -0.2 + step / 200,
    'completions/mean_length': 180 + 20 * wave,
    'completions/clipped_ratio': 0.2 + 0.05 * wave,
    frac_reward_zero_std: 0.1,
    'rewards/failed': 0.02,
    kl: 0.0004 * 1.12 ** step,
    entropy: 1.1 - step / 100,
    loss: 0.01 * wave,
    grad_norm: 0.5 + 0.2 * wave,
    learning_rate: 1e-6 * Math.min(1, step / 5),
    step_time: 40 + wave,
    'memory/process': 5e9,
  };
}

/** What a run says of itself. */
export interface WrittenState {
  readonly status: string;
  readonly step: number;
  readonly max_steps: number;
  readonly pid?: number;
  readonly error?: string;
  readonly best?: object;
}

/** A run's folder, in which files can be added to. */
export class WrittenRun {
  readonly folder: string;

  constructor(runs: string, name: string, configuration: object = { method: 'grpo', seed: 42 }) {
    this.folder = join(runs, name);
    mkdirSync(join(this.folder, 'samples'), { recursive: true });
    writeFileSync(join(this.folder, 'config.yaml'), JSON.stringify(configuration));
  }

  add(...lines: readonly string[]): this {
    appendFileSync(join(this.folder, 'metrics.jsonl'), lines.join(''));
    return this;
  }

  /** Lines of training from one step to another. */
  train(from: number, to: number, figures: (step: number) => object = goodFigures): this {
    for (let step = from; step <= to; step++) this.add(metricsLine('train', step, figures(step)));
    return this;
  }

  /** Lines of validation at every tenth step, from 0 on. */
  validate(name: string, values: readonly number[]): this {
    return this.add(...values.map((value, i) => metricsLine('eval', 10 * i, { [name]: value })));
  }

  say(state: WrittenState): this {
    writeFileSync(join(this.folder, 'state.json'), JSON.stringify(state));
    return this;
  }

  sample(file: string, records: readonly unknown[]): this {
    const text = records.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join('\n');
    writeFileSync(join(this.folder, 'samples', `${file}.jsonl`), `${text}\n`);
    return this;
  }
}

/** A question with one completion, which is better the later it was made. */
export function sampled(id: string, step: number, rest: object = {}): object {
  const better = step / 40;
  return {
    step,
    id,
    question: `why does ${id} happen?`,
    completions: [
      {
        text: `What is asked about is ${id}. It happens because of what step ${step} has learnt. `.repeat(3),
        tokens: 60 + step,
        finish: 'stop',
        reward: 0.1 + better,
        parts: { similarity: 0.3 + better, format: -0.2 },
        advantage: 0.9,
        ...rest,
      },
      {
        text: `Nothing of use about ${id}.`,
        tokens: 8,
        finish: 'length',
        reward: -0.2,
        parts: { similarity: 0, format: -0.2 },
        advantage: -0.9,
        failure: 'there is no answer',
      },
    ],
  };
}
