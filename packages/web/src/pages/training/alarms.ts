import type { Alarm, AlarmingRun } from './alarm.ts';
import { tooOftenCut, tooShort, unreadable } from './completion-alarms.ts';
import { notFinite } from './not-finite-alarm.ts';
import { farFromReference, lowEntropy } from './policy-alarms.ts';
import { flatGroups, rewardHacking } from './reward-alarms.ts';

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
