import { QuernError } from '../../errors.ts';
import { readTrainConfig } from './read-config.ts';
import { isRewardAddress } from './together.ts';
import { fieldNames, type TrainConfig } from './train-config.ts';

/** What decides only when a run ends, where it runs, and what is written of it. */
const changeable =
  /^(?:max_steps|save_.*|eval_.*|log_.*|output_dir|max_loss|reward_retries|device|tokens_per_micro_batch|generation_rows|vllm_.*)$/;

/**
 * The fields in which two configurations differ and that a run which is taken up again must keep: with them changed, it would
 * not be the same run. Empty where it can go on.
 */
export function sameRun(a: TrainConfig, b: TrainConfig): (keyof TrainConfig)[] {
  return fieldNames.filter(
    (name) =>
      !changeable.test(name) &&
      JSON.stringify(a[name]) !== JSON.stringify(b[name]) &&
      // A reward's server may come to be at another address.
      !(name === 'reward' && isRewardAddress(a.reward ?? '') && isRewardAddress(b.reward ?? '')),
  );
}

/** Throws `USAGE` where a run would go on with what it was not begun with, as the file of its configuration says. */
export async function checkSameRun(config: TrainConfig, file: string): Promise<void> {
  const changed = sameRun(await readTrainConfig({ file }), config);
  if (changed.length === 0) return;
  throw new QuernError('USAGE', `the run was begun with another ${changed.join(', ')}`, {
    where: file,
    hint: 'Leave it as it was, or begin a new run',
  });
}
