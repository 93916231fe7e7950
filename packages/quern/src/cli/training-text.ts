import type { MetricsLine } from '../train/metrics.ts';
import { durationText } from './output.ts';

/** A line of metrics in words, for the terminal. */
export function stepText(line: MetricsLine, steps: number, secondsLeft?: number): string {
  const number = (name: string, digits: number): string | undefined => {
    const value = line[name];
    return typeof value === 'number' ? value.toFixed(digits) : undefined;
  };
  const at = `${line.kind === 'eval' ? 'validation after step' : 'step'} ${line.step}/${steps}`;
  if (line.kind === 'eval') {
    const none = number('eval/ndcg@10/none', 4);
    const found = [
      ...part('reward', number('eval/reward', 4)),
      ...part('loss', number('eval/loss', 4)),
      ...part('nDCG@10', number('eval/ndcg@10', 4), none === undefined ? '' : ` (without: ${none})`),
    ];
    return `${at}: ${found.join(', ')}`;
  }
  const found = [
    ...part('reward', number('reward', 4)),
    ...part('±', number('reward_std', 4)),
    ...(line['loss'] === undefined ? ['nothing to learn'] : []),
    ...part('loss', number('loss', 4)),
    ...part('kl', number('kl', 5)),
    ...part('length', number('completions/mean_length', 0)),
    ...part('norm', number('grad_norm', 3)),
    ...part('in', number('step_time', 1), ' s'),
    ...(secondsLeft === undefined ? [] : [`${durationText(secondsLeft * 1000)} left`]),
  ];
  return `${at}: ${found.join(', ')}`;
}

function part(what: string, value: string | undefined, unit = ''): string[] {
  return value === undefined ? [] : [`${what} ${value}${unit}`];
}
