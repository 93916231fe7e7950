import { percent } from './alarm-figures.ts';
import { thresholds } from './alarm-thresholds.ts';
import type { AlarmKind } from './alarm.ts';

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
