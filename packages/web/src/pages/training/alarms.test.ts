import { describe, expect, it } from 'vitest';
import type { MetricsLine } from '../../../../quern/src/train/watch/wire.ts';
import { alarmKinds, type AlarmingRun, type AlarmKind } from './alarm.ts';
import { alarms } from './alarms.ts';
import { lookedFor } from './looked-for.ts';

type Figures = Readonly<Record<string, number>>;

/** Lines of training from step 1 on, each as `at` says. */
function trained(count: number, at: (step: number) => Figures): MetricsLine[] {
  return Array.from({ length: count }, (_, i) => ({ kind: 'train', step: i + 1, values: at(i + 1) }));
}

/** Lines of validation at every tenth step from 0 on. */
function validated(name: string, values: readonly number[]): MetricsLine[] {
  return values.map((value, i) => ({ kind: 'eval', step: 10 * i, values: { [name]: value } }));
}

function of(lines: readonly MetricsLine[], rest: Partial<AlarmingRun> = {}): AlarmingRun {
  return { trained: lines, validated: [], ...rest };
}

/** Between -1 and 1, and the same each time. */
const noise = (step: number): number => Math.sin(step * 12.9898) * Math.cos(step * 78.233);

/** What a run that goes well has: rewards that rise, lengths that vary, a KL that grows slowly. */
function well(step: number): Figures {
  return {
    reward: 0.2 + step / 200 + 0.02 * noise(step),
    loss: 0.01 * noise(step + 1),
    grad_norm: 0.5,
    kl: 0.0005 * step,
    entropy: 1.2 - step / 200,
    'completions/mean_length': 200 + 30 * noise(step + 2),
    'completions/clipped_ratio': 0.2 + 0.1 * noise(step + 3),
    frac_reward_zero_std: 0.1,
    'rewards/failed': 0.02,
  };
}

const kindsOf = (run: AlarmingRun): AlarmKind[] => alarms(run).map(({ kind }) => kind);

it('a run that goes well has no alarms, however short it is', () => {
  for (const count of [0, 1, 2, 5, 9, 10, 11, 60]) {
    expect(
      alarms(of(trained(count, well), { validated: validated('eval/ndcg@10', [0.2, 0.25, 0.3]) })),
    ).toEqual([]);
  }
});

it('every kind of alarm says what is looked for', () => {
  for (const kind of alarmKinds) expect(lookedFor[kind]).toMatch(/\w/);
});

describe('numbers that are none', () => {
  it('are told with the first step that has them, and stay told', () => {
    const lines = trained(20, well).map((line) =>
      line.step === 7 || line.step === 9 ? { ...line, notFinite: ['new', 'loss', 'grad_norm'] } : line,
    );
    expect(alarms(of(lines))).toEqual([
      expect.objectContaining({ kind: 'not-finite', step: 7, figures: 'step 7: loss, grad_norm' }),
    ]);
  });

  it('are told of validation', () => {
    const lines: MetricsLine[] = [{ kind: 'eval', step: 0, values: {}, notFinite: ['eval/reward'] }];
    expect(kindsOf(of([], { validated: lines }))).toEqual(['not-finite']);
  });

  it('are no alarm where they are of what need not be one', () => {
    const lines = trained(3, well).map((line) => ({ ...line, notFinite: ['sampling/none'] }));
    expect(alarms(of(lines))).toEqual([]);
  });

  it.each([
    ['the loss of step 4 is NaN. Begin a new run', 'failed', true],
    ['the gradients of step 4 are Infinity', 'failed', true],
    ['the server is gone', 'failed', false],
    ['the loss of step 4 is NaN', 'running', false],
  ])('a run that ended for it: %j, %s', (error, status, isAlarm) => {
    const state = { status, step: 3, max_steps: 9, error };
    expect(kindsOf(of(trained(3, well), { state }))).toEqual(isAlarm ? ['not-finite'] : []);
  });
});

/** The alarms of a run that goes well, with one figure in another way from step 31 to 60. */
function changed(name: string, value: (step: number) => number, count = 60): AlarmingRun {
  return of(trained(count, (step) => (step > 30 ? { ...well(step), [name]: value(step) } : well(step))));
}

it.each<[string, AlarmKind | undefined, AlarmingRun]>([
  ['a KL above one nat', 'kl', changed('kl', () => 1.5)],
  ['a KL that jumps to 20 times what it was', 'kl', of(trained(40, (s) => ({ kl: s > 37 ? 0.4 : 0.02 })))],
  ['a KL that jumped long ago, and stays there', 'kl', of(trained(90, (s) => ({ kl: s > 37 ? 0.4 : 0.02 })))],
  [
    'a KL that comes to its place in the first steps',
    undefined,
    of(trained(40, (s) => ({ kl: Math.min(0.2, 0.05 * (s - 1)) }))),
  ],
  [
    'a KL that jumps, and is small all the same',
    undefined,
    of(trained(40, (s) => ({ kl: s > 37 ? 0.02 : 0.001 }))),
  ],
  ['a KL that jumped once, and came back', undefined, of(trained(40, (s) => ({ kl: s === 30 ? 3 : 0.02 })))],
  ['a KL that is high from its first line on', 'kl', of(trained(1, () => ({ kl: 2 })))],
  ['completions of a tenth of their length', 'short', changed('completions/mean_length', () => 20)],
  ['completions of half of their length', undefined, changed('completions/mean_length', () => 100)],
  [
    'completions that were short for a while',
    undefined,
    changed('completions/mean_length', (s) => (s < 50 ? 20 : 190)),
  ],
  ['completions that are cut more and more', 'cut', changed('completions/clipped_ratio', (s) => s / 80)],
  [
    'completions of which half were always cut',
    undefined,
    of(trained(60, () => ({ 'completions/clipped_ratio': 0.55 }))),
  ],
  ['completions that were always cut', 'cut', of(trained(6, () => ({ 'completions/clipped_ratio': 1 })))],
  ['completions that cannot be read', 'unreadable', changed('rewards/failed', () => 0.8)],
  ['a few completions that cannot be read', undefined, changed('rewards/failed', () => 0.3)],
  ['groups that are flat', 'flat', changed('frac_reward_zero_std', () => 0.9)],
  ['groups of which half are flat', undefined, changed('frac_reward_zero_std', () => 0.5)],
  ['an entropy near zero', 'entropy', changed('entropy', () => 0.01)],
  ['an entropy that fell to a tenth', 'entropy', changed('entropy', () => 0.12)],
  ['an entropy that fell to a half', undefined, changed('entropy', () => 0.6)],
  ['an entropy that is low, and was from the start', undefined, of(trained(30, () => ({ entropy: 0.2 })))],
])('%s: %s', (_, kind, run) => {
  expect(kindsOf(run)).toEqual(kind === undefined ? [] : [kind]);
});

it('an alarm says since which step, and by which figures', () => {
  const [short] = alarms(changed('completions/mean_length', () => 20));
  expect(short).toMatchObject({ step: 31, title: 'Completions have become very short' });
  expect(short!.figures).toMatch(/^20 tokens, at the start 198$/);
  expect(short!.advice).toContain('Read samples');
});

describe('a reward that rises while validation falls', () => {
  const rising = trained(60, (step) => ({ reward: step / 60 + 0.02 * noise(step) }));
  const level = trained(60, (step) => ({ reward: 0.5 + 0.05 * noise(step) }));

  it.each<[string, string, readonly number[], readonly MetricsLine[], boolean]>([
    ['falls twice', 'eval/ndcg@10', [0.2, 0.3, 0.32, 0.3, 0.25, 0.2], rising, true],
    ['falls from the start on', 'eval/ndcg@10', [0.3, 0.28, 0.2, 0.18], rising, true],
    ['falls once', 'eval/ndcg@10', [0.2, 0.3, 0.32, 0.33, 0.33, 0.2], rising, false],
    ['falls by a little', 'eval/ndcg@10', [0.3, 0.32, 0.318, 0.317, 0.316], rising, false],
    ['falls, and comes back', 'eval/ndcg@10', [0.3, 0.32, 0.2, 0.2, 0.319], rising, false],
    ['rises', 'eval/ndcg@10', [0.2, 0.25, 0.3, 0.32], rising, false],
    ['falls, where the reward does not rise', 'eval/ndcg@10', [0.3, 0.32, 0.3, 0.2, 0.1], level, false],
    ['falls, of the reward itself below zero', 'eval/reward', [-0.2, -0.1, -0.15, -0.2, -0.3], rising, true],
    ['falls in a measure that is none', 'eval/loss', [0.3, 0.32, 0.3, 0.2, 0.1], rising, false],
  ])('validation %s', (_, name, values, lines, isAlarm) => {
    const found = kindsOf(of(lines, { validated: validated(name, values) }));
    expect(found).toEqual(isAlarm ? ['hacking'] : []);
  });

  it('is told with both figures, and nDCG counts more than the reward of validation', () => {
    const both = [0.2, 0.3, 0.25, 0.2, 0.1].map((ndcg, i): MetricsLine => {
      return { kind: 'eval', step: 10 * i, values: { 'eval/reward': i, 'eval/ndcg@10': ndcg } };
    });
    const [alarm] = alarms(of(rising, { validated: both }));
    expect(alarm!.step).toBe(10);
    expect(alarm!.figures).toMatch(
      /^since step 10 the reward went from 0\.1\d+ to 0\.9\d+, the nDCG@10 of validation from 0\.3 to 0\.1$/,
    );
    expect(alarm!.advice).toContain('quern reward ablate');
  });
});
