import type { MetricsLine, RunState } from '../../../../quern/src/train/watch/wire.ts';

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
