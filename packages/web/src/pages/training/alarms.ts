import type { MetricsLine, RunState } from '../../../../quern/src/train/watch/wire.ts';
import { validationTitle } from './chart-list.ts';
import { valueText } from './words.ts';

/** What a run tells of itself, as far as alarms look at it. */
export interface AlarmingRun {
  /** The lines of training and of validation, ascending by their steps. */
  readonly trained: readonly MetricsLine[];
  readonly validated: readonly MetricsLine[];
  readonly state?: RunState | undefined;
}

/** What can go wrong with a run, in the order that it is told in. */
export const alarmKinds = [
  'not-finite',
  'kl',
  'hacking',
  'short',
  'cut',
  'unreadable',
  'flat',
  'entropy',
] as const;

export type AlarmKind = (typeof alarmKinds)[number];

/** That something goes wrong with a run. */
export interface Alarm {
  readonly kind: AlarmKind;
  readonly title: string;
  /** Since which step. */
  readonly step: number;
  /** What it is seen by. */
  readonly figures: string;
  /** What to do about it. */
  readonly advice: string;
}

/** From where on something is an alarm. Means are over the last `recent` lines, and over as many of the first ones. */
export const thresholds = {
  /** Lines that a mean is over: what one step does by chance is none. */
  recent: 5,
  /** Completions are too short below this share of their mean length at the start. */
  shortShare: 0.3,
  /** Too many completions are cut above this share … */
  cutAlways: 0.9,
  /** … or above this one where it has risen by `cutRise` since the start. */
  cutShare: 0.5,
  cutRise: 0.25,
  /** The policy is far from the model that it was above so many nats a token (the estimator k3 of arXiv 2402.03300) … */
  klMost: 1,
  /** … or above `klLeast` where it is so many times the median of the lines before. */
  klJump: 10,
  klLeast: 0.1,
  /** A measure of validation falls where it is below its best by this share of it, twice in a row. */
  fall: 0.05,
  /** The reward rises where its mean does by so many standard errors. */
  riseErrors: 2,
  /** Nothing is learnt where this share of groups has the same reward throughout. */
  flatShare: 0.8,
  /** The policy knows but one thing to say below so many nats a token … */
  entropyLeast: 0.05,
  /** … or below this share of what it was, once it is below `entropyLow`. */
  entropyShare: 0.2,
  entropyLow: 0.5,
  /** Too many completions hold no reasoned query above this share. */
  unreadableShare: 0.5,
} as const;

/** What is looked for, in words, by the kind of alarm. */
export const lookedFor: Readonly<Record<AlarmKind, string>> = {
  'not-finite': 'loss, reward, norm of the gradient, KL or entropy that is no finite number',
  kl: `KL above ${thresholds.klMost} nats a token, or above ${thresholds.klLeast} and ${thresholds.klJump} times what it was before`,
  hacking: `the reward rises while validation falls by ${percent(thresholds.fall)} of its best, twice in a row`,
  short: `completions shorter than ${percent(thresholds.shortShare)} of their length at the start`,
  cut: `completions cut at the limit: more than ${percent(thresholds.cutAlways)}, or more than ${percent(thresholds.cutShare)} and rising`,
  unreadable: `more than ${percent(thresholds.unreadableShare)} of completions without a reasoned query`,
  flat: `${percent(thresholds.flatShare)} of groups or more whose rewards are all the same`,
  entropy: `entropy below ${thresholds.entropyLeast} nats, or below ${thresholds.entropyLow} and ${percent(thresholds.entropyShare)} of what it was`,
};

/** What goes wrong with a run as it is now, each kind at most once; what has passed is told no more, but for numbers that are none. */
export function alarms(run: AlarmingRun): Alarm[] {
  const found = [
    notFinite(run),
    farFromReference(run),
    rewardHacking(run),
    tooShort(run),
    tooOftenCut(run),
    unreadable(run),
    flatGroups(run),
    lowEntropy(run),
  ];
  return found.filter((alarm) => alarm !== undefined);
}

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

function notFinite({ trained, validated, state }: AlarmingRun): Alarm | undefined {
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

/** What a KL that is too high is above, and the median of the lines before it rose. */
interface HighKl {
  readonly limit: number;
  readonly before: number | undefined;
}

function farFromReference({ trained }: AlarmingRun): Alarm | undefined {
  const { recent } = thresholds;
  const known = valuesOf(trained, 'kl');
  // What it jumped from stays what it is measured by: else a jump would soon be what there was before.
  let high: HighKl | undefined;
  for (let end = 1; end <= known.length; end++) {
    const now = mean(known.slice(Math.max(0, end - Math.min(recent, 3)), end));
    if (high === undefined || !(now > high.limit))
      high = highKl(known.slice(Math.max(0, end - 3 * recent), end), now);
  }
  if (high === undefined) return undefined;
  const { limit, before } = high;
  const was = before === undefined ? '' : `; the median before it was ${text(before)}`;
  return {
    kind: 'kl',
    title: 'The policy runs away from the model that it was',
    step: sinceOf(known, (value) => value > limit),
    figures: `KL ${text(mean(known.slice(-Math.min(recent, 3))))}, above ${text(limit)}${was}`,
    advice: 'Lower learning_rate or raise beta, and go on from a checkpoint before it.',
  };
}

function highKl(known: readonly Valued[], now: number): HighKl | undefined {
  const { klMost, klJump, klLeast, recent } = thresholds;
  const earlier = known.slice(-3 * recent, -recent);
  // At the start the policy is the model that it was: from nothing, anything is a jump.
  const before = earlier.length < 2 * recent ? undefined : median(earlier.map(({ value }) => value));
  const limit = before === undefined ? klMost : Math.min(klMost, Math.max(klLeast, klJump * before));
  return now > limit ? { limit, before } : undefined;
}

/** Measures of validation by how much they say: what is found first, and the reward itself last. */
const measures = [/^eval\/ndcg@\d+$/, /^eval\/(?:map|mrr|recall@\d+|mrr@\d+)$/, /^eval\/reward$/];

function rewardHacking({ trained, validated }: AlarmingRun): Alarm | undefined {
  const names = new Set(validated.flatMap(({ values }) => Object.keys(values)));
  for (const form of measures) {
    const name = [...names].filter((each) => form.test(each)).sort()[0];
    if (name === undefined) continue;
    return risenWithout(name, valuesOf(validated, name), valuesOf(trained, 'reward'));
  }
  return undefined;
}

function risenWithout(
  name: string,
  validated: readonly Valued[],
  rewards: readonly Valued[],
): Alarm | undefined {
  const { fall, riseErrors, recent } = thresholds;
  if (validated.length < 3) return undefined;
  const best = validated.reduce((a, b) => (b.value > a.value ? b : a));
  const limit = best.value - fall * Math.abs(best.value);
  const lastTwo = validated.slice(-2);
  if (lastTwo.some(({ step, value }) => step <= best.step || !(value < limit))) return undefined;
  // Those around the best validation: what comes before it, or the first ones.
  const until = rewards.filter(({ step }) => step <= best.step);
  const then = until.length > 0 ? until.slice(-recent) : rewards.slice(0, recent);
  const now = rewards.slice(-recent);
  if (then.length === 0 || now.length < recent || now[0]!.step <= then.at(-1)!.step) return undefined;
  const error = Math.sqrt(variance(then) / then.length + variance(now) / now.length);
  const rise = mean(now) - mean(then);
  if (!(rise > riseErrors * error && rise > 1e-9)) return undefined;
  const title = validationTitle(name);
  const measure = name === 'eval/reward' ? 'reward of validation' : `${title} of validation`;
  return {
    kind: 'hacking',
    title: 'The reward rises while validation falls',
    step: best.step,
    figures: `since step ${best.step} the reward went from ${text(mean(then))} to ${text(mean(now))}, the ${measure} from ${text(best.value)} to ${text(lastTwo[1]!.value)}`,
    advice:
      name === 'eval/reward'
        ? 'The policy learns the questions by heart. Take the best checkpoint, and train on more questions.'
        : 'The policy learns what the reward pays for and not what finds documents. Read samples, take the best checkpoint, and mix in another reward (quern reward ablate tells which to trust).',
  };
}

function tooShort({ trained }: AlarmingRun): Alarm | undefined {
  const known = valuesOf(trained, 'completions/mean_length');
  const of = startAndNow(known);
  if (of === undefined) return undefined;
  const limit = thresholds.shortShare * of.start;
  if (!(of.now < limit)) return undefined;
  return {
    kind: 'short',
    title: 'Completions have become very short',
    step: sinceOf(known, (value) => value < limit),
    figures: `${text(of.now)} tokens, at the start ${text(of.start)}`,
    advice:
      'Read samples: does the policy still reason? A reward that pays short texts is one cause, a learning_rate that is too high another.',
  };
}

function tooOftenCut({ trained }: AlarmingRun): Alarm | undefined {
  const { cutAlways, cutShare, cutRise, recent } = thresholds;
  const known = valuesOf(trained, 'completions/clipped_ratio');
  if (known.length < recent) return undefined;
  const now = mean(known.slice(-recent));
  const start = mean(known.slice(0, recent));
  const isRising = now > cutShare && now - start > cutRise;
  if (!isRising && !(now > cutAlways)) return undefined;
  const limit = isRising ? cutShare : cutAlways;
  return {
    kind: 'cut',
    title: 'Completions are cut at the limit',
    step: sinceOf(known, (value) => value > limit),
    figures: `${percent(now)} are cut, at the start ${percent(start)}`,
    advice:
      'Raise max_completion_length, or have length cost something: soft_punish_cache. A reward that rises with it may be the length and not the reasoning.',
  };
}

function unreadable({ trained }: AlarmingRun): Alarm | undefined {
  const { unreadableShare, recent } = thresholds;
  const known = valuesOf(trained, 'rewards/failed');
  const now = mean(known.slice(-recent));
  if (known.length < recent || !(now > unreadableShare)) return undefined;
  return {
    kind: 'unreadable',
    title: 'Most completions hold no reasoned query',
    step: sinceOf(known, (value) => value > unreadableShare),
    figures: `${percent(now)} cannot be read`,
    advice:
      'Read their failures among the samples. The model may not know the form that prompt asks for: begin with method: sft.',
  };
}

function flatGroups({ trained }: AlarmingRun): Alarm | undefined {
  const { flatShare, recent } = thresholds;
  const known = valuesOf(trained, 'frac_reward_zero_std');
  const now = mean(known.slice(-recent));
  if (known.length < recent || !(now >= flatShare)) return undefined;
  return {
    kind: 'flat',
    title: 'Rewards within groups are all the same',
    step: sinceOf(known, (value) => value >= flatShare),
    figures: `${percent(now)} of groups have nothing to learn from`,
    advice:
      'Steps come to nothing. Raise temperature or num_generations, take questions that are neither too easy nor too hard, or a finer reward.',
  };
}

function lowEntropy({ trained }: AlarmingRun): Alarm | undefined {
  const { entropyLeast, entropyShare, entropyLow, recent } = thresholds;
  const known = valuesOf(trained, 'entropy');
  if (known.length < recent) return undefined;
  const now = mean(known.slice(-recent));
  const start = startAndNow(known)?.start;
  const limit =
    start === undefined ? entropyLeast : Math.max(entropyLeast, Math.min(entropyLow, entropyShare * start));
  if (!(now < limit)) return undefined;
  return {
    kind: 'entropy',
    title: 'The policy hardly varies what it says',
    step: sinceOf(known, (value) => value < limit),
    figures: `entropy ${text(now)} nats${start === undefined ? '' : `, at the start ${text(start)}`}`,
    advice:
      'Raise epsilon_high or beta, or lower learning_rate: without variety there is nothing to choose from.',
  };
}

interface Valued {
  readonly step: number;
  readonly value: number;
}

function valuesOf(lines: readonly MetricsLine[], name: string): Valued[] {
  return lines.flatMap(({ step, values }) => {
    const value = values[name];
    return value === undefined ? [] : [{ step, value }];
  });
}

/** The means of the first and of the last lines; undefined where they would overlap. */
function startAndNow(known: readonly Valued[]): { readonly start: number; readonly now: number } | undefined {
  const { recent } = thresholds;
  if (known.length < 2 * recent) return undefined;
  return { start: mean(known.slice(0, recent)), now: mean(known.slice(-recent)) };
}

/** The first step from which on `is` holds of every line; the last step where it does not hold of that. */
function sinceOf(known: readonly Valued[], is: (value: number) => boolean): number {
  const before = known.findLastIndex(({ value }) => !is(value));
  return known[Math.min(before + 1, known.length - 1)]!.step;
}

function mean(of: readonly Valued[]): number {
  return of.reduce((sum, { value }) => sum + value, 0) / of.length;
}

/** Without bias; 0 of one value. */
function variance(of: readonly Valued[]): number {
  const middle = mean(of);
  return of.reduce((sum, { value }) => sum + (value - middle) ** 2, 0) / Math.max(1, of.length - 1);
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function text(value: number): string {
  return valueText(value, 'number');
}

function percent(share: number): string {
  return valueText(share, 'share');
}
