/** Imitation of reasoned queries. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { train } from '../src/train/trainer.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { linesOf, madeBy, smokeConfig } from './small-training.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const data = join(folder, 'reasoned.jsonl');
writeFileSync(
  data,
  ['rust', 'tides', 'yeast']
    .map((word) => `${JSON.stringify({ question: `why ${word}`, reasoned: 'because of water and time' })}\n`)
    .join(''),
);
const set = [
  'method=sft',
  'reward=null',
  'device=cpu',
  `train_data=[${JSON.stringify(data)}]`,
  `eval_data=[${JSON.stringify(data)}]`,
  'eval_steps=4',
  'generation_batch_size=3',
  'learning_rate=1e-2',
  'max_grad_norm=1',
];

describe.skipIf(!hasLibTorch)('imitation', () => {
  it('makes what is imitated likelier, whether it is taken up on the way or not', async () => {
    const run = join(folder, 'whole');
    expect(await train(await smokeConfig(run, [...set, 'max_steps=8', 'save_steps=4']))).toMatchObject({
      status: 'done',
      best: { step: 8, metric: 'eval/loss' },
    });
    const evals = linesOf(run).flatMap((line) => (line['kind'] === 'eval' ? Number(line['eval/loss']) : []));
    expect(evals).toHaveLength(3);
    expect(evals[1]).toBeLessThan(evals[0]);
    expect(evals[2]).toBeLessThan(evals[0] - 1);

    const halves = join(folder, 'halves');
    const controller = new AbortController();
    const config = await smokeConfig(halves, [...set, 'max_steps=8', 'save_steps=4']);
    await train(config, {
      signal: controller.signal,
      onEvent: (event) => {
        if (event.kind === 'metrics' && event.line.step === 3) controller.abort();
      },
    });
    expect(await train(config, { resume: true })).toMatchObject({ status: 'done', step: 8 });
    const [a, b] = [madeBy(halves, 8), madeBy(run, 8)];
    expect(a.checkpoint).toEqual(b.checkpoint);
    expect(a.metrics).toEqual(b.metrics);
  });
});
