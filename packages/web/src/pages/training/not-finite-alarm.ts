import type { Alarm, AlarmingRun } from './alarm.ts';

/** What has to be a number for a run to go well. */
const finite: ReadonlySet<string> = new Set([
  'loss',
  'reward',
  'grad_norm',
  'kl',
  'entropy',
  'eval/loss',
  'eval/reward',
  'eval/ndcg@10',
]);

/** That a figure is no number, or that the run failed of one. */
export function notFinite({ trained, validated, state }: AlarmingRun): Alarm | undefined {
  const told = {
    kind: 'not-finite',
    title: 'A figure is no finite number',
    advice:
      'Stop the run: what it learns from here on is lost. Begin a new one from the last good checkpoint, with a lower learning_rate or max_grad_norm.',
  } as const;
  const lines = [...trained, ...validated].sort((a, b) => a.step - b.step);
  for (const { step, notFinite: names = [] } of lines) {
    const bad = names.filter((name) => finite.has(name));
    if (bad.length > 0) return { ...told, step, figures: `step ${step}: ${bad.join(', ')}` };
  }
  // Training here ends before it would write such a line.
  if (state?.status !== 'failed') return undefined;
  const [what] = /\b(?:NaN|Infinity|no finite number)\b/.exec(state.error ?? '') ?? [];
  if (what === undefined) return undefined;
  return { ...told, step: state.step, figures: `the run failed after step ${state.step}: ${what}` };
}
