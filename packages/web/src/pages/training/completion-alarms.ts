import type { Alarm, AlarmingRun } from './alarm.ts';
import { mean, percent, sinceOf, startAndNow, text, valuesOf } from './alarm-figures.ts';
import { thresholds } from './alarm-thresholds.ts';

/** That completions are much shorter than at the start. */
export function tooShort({ trained }: AlarmingRun): Alarm | undefined {
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

/** That completions are cut at the limit: nearly always, or often and ever more. */
export function tooOftenCut({ trained }: AlarmingRun): Alarm | undefined {
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

/** That most completions hold no reasoned query. */
export function unreadable({ trained }: AlarmingRun): Alarm | undefined {
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
