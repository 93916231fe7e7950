/** What fields of a configuration, each valid by itself, have to be together. */
import { namedParts, partKinds } from '../../reward/mix-name.ts';
import { ranksInCollection } from '../../reward/rewards.ts';
import { QuernError } from '../../errors.ts';
import type { ParsedFields, TrainConfig } from './train-config.ts';

/** Fields that do not go together. */
export interface TogetherIssue {
  readonly message: string;
  /** Those that it is about, first the one that is likelier to be changed. */
  readonly fields: readonly [keyof TrainConfig, ...(keyof TrainConfig)[]];
  readonly hint?: string;
}

/** What rewards that are no mix begin with. */
const gainKinds = [
  'similarity',
  'retrieval',
  'lexical',
] as const satisfies readonly (typeof partKinds)[number][];

/** All that does not go together in a configuration. */
export function togetherIssues(config: ParsedFields): TogetherIssue[] {
  return [
    ...addressIssues(config),
    ...(config.method === 'grpo' ? [...rolloutIssues(config), ...rewardIssues(config)] : []),
    ...adapterIssues(config),
    ...validationIssues(config),
  ];
}

/** Addresses with a password in them; the files of a run have its configuration. */
function* addressIssues(config: ParsedFields): Generator<TogetherIssue> {
  for (const field of ['reward', 'vllm_server_base_url'] as const) {
    if (!/^https?:\/*[^/?#]*@/i.test(config[field] ?? '')) continue;
    const message = 'is an address with a user or a password, which files of the run would hold';
    yield { message, fields: [field], hint: 'Leave away what stands before @' };
  }
}

/** Whether a reward is asked over the network. */
export function isRewardAddress(reward: string): boolean {
  return /^https?:\/\//i.test(reward);
}

function* rolloutIssues(config: ParsedFields): Generator<TogetherIssue> {
  const { generation_batch_size: completions, num_generations: group, steps_per_generation: steps } = config;
  const atOnce = steps * config.num_iterations;
  if (config.max_steps % atOnce !== 0) {
    yield {
      message: `${config.max_steps} steps are no whole number of rollouts of ${atOnce} (steps_per_generation × num_iterations)`,
      fields: ['max_steps', 'steps_per_generation', 'num_iterations'],
      hint: `Take a multiple of it, e.g. ${Math.ceil(config.max_steps / atOnce) * atOnce}`,
    };
  }
  const prompts = completions / group;
  if (!Number.isInteger(prompts)) {
    const nearest = Math.max(1, Math.round(prompts)) * group;
    yield {
      message: `${completions} completions are no whole number of groups of num_generations ${group}`,
      fields: ['generation_batch_size', 'num_generations'],
      hint: `Take a multiple of it, e.g. ${nearest}`,
    };
  } else if (prompts % steps !== 0) {
    yield {
      message: `${prompts} prompts of a rollout (generation_batch_size / num_generations) cannot be divided among ${steps} steps`,
      fields: ['steps_per_generation', 'generation_batch_size', 'num_generations'],
      hint: `Take a divisor of ${prompts}, or more prompts`,
    };
  }
  if (config.soft_punish_cache > config.max_completion_length) {
    yield {
      message: `${config.soft_punish_cache} tokens are more than max_completion_length ${config.max_completion_length}`,
      fields: ['soft_punish_cache', 'max_completion_length'],
    };
  }
}

function* rewardIssues({
  reward,
  reward_index: index,
  train_data: data,
}: ParsedFields): Generator<TogetherIssue> {
  if (data.length === 0) yield { message: 'names nothing to learn from', fields: ['train_data'] };
  if (reward === undefined) {
    yield {
      message: 'grpo needs a reward',
      fields: ['reward', 'method'],
      hint: 'Name it, e.g. reward: lexical',
    };
    return;
  }
  const isAddress = isRewardAddress(reward);
  if (isAddress && !URL.canParse(reward)) {
    yield { message: 'is no address', fields: ['reward'] };
    return;
  }
  if (isAddress && /[?#]/.test(reward)) {
    yield {
      message: 'is an address with a query or a fragment, which the requests to it would not have',
      fields: ['reward'],
      hint: 'Leave away what follows ? or #',
    };
    return;
  }
  const nameIssue = isAddress ? undefined : rewardNameIssue(reward);
  if (nameIssue) {
    yield nameIssue;
    return;
  }
  if (index !== undefined && (isAddress || !ranksInCollection(reward))) {
    yield {
      message: `is for retrieval:MEASURE, and the reward is ${isAddress ? 'at an address' : reward}`,
      fields: ['reward_index', 'reward'],
      hint: isAddress ? 'Give it to quern reward serve as --index' : 'Leave it out',
    };
  }
}

function rewardNameIssue(reward: string): TogetherIssue | undefined {
  try {
    // What is of use in a mix alone is refused by itself.
    const kinds: readonly string[] = reward.startsWith('mix:') ? partKinds : gainKinds;
    const unknown = namedParts(reward).find(({ name }) => !kinds.includes(name.split(':')[0]));
    if (!unknown) return undefined;
    return {
      message: `${JSON.stringify(unknown.name)} is no reward`,
      fields: ['reward'],
      hint: 'Rewards are similarity:EMBEDDER, retrieval:MEASURE, lexical, mix:WEIGHT*REWARD,… or an http(s) address',
    };
  } catch (error) {
    if (!(error instanceof QuernError)) throw error;
    return { message: error.what, fields: ['reward'], hint: error.hint };
  }
}

function* adapterIssues({ lora_target_modules: targets }: ParsedFields): Generator<TogetherIssue> {
  const fields = ['lora_target_modules'] as const;
  if (targets.length === 0) yield { message: 'names no matrix', fields };
  else if (new Set(targets).size < targets.length) yield { message: 'names a matrix twice', fields };
  else if (targets.length > 1 && targets.includes('all-linear')) {
    yield { message: 'all-linear is all of them, and stands alone', fields };
  }
}

function* validationIssues(config: ParsedFields): Generator<TogetherIssue> {
  const { eval_collection: collection, metric_for_best_model: metric } = config;
  for (const name of ['eval_split', 'eval_index', 'eval_topics'] as const) {
    if (config[name] !== undefined && collection === undefined) {
      yield {
        message: 'is of eval_collection, which is not given',
        fields: [name, 'eval_collection'],
        hint: 'Name it, e.g. eval_collection: bright:biology',
      };
    }
  }
  if (config.eval_steps === 0) return;
  const hasQuestions = config.eval_data.length > 0;
  if (config.method === 'sft' ? !hasQuestions : !hasQuestions && collection === undefined) {
    yield {
      message: 'there is nothing to validate on',
      fields: ['eval_steps', 'eval_data', 'eval_collection'],
      hint: config.method === 'sft' ? 'Give eval_data' : 'Give eval_data or eval_collection',
    };
  } else if (config.method === 'grpo' && metric === 'reward' && !hasQuestions) {
    yield {
      message: 'reward is measured on eval_data, which is not given',
      fields: ['metric_for_best_model', 'eval_data'],
      hint: 'Give it, or say metric_for_best_model: ndcg@10',
    };
  } else if (config.method === 'grpo' && metric === 'ndcg@10' && collection === undefined) {
    yield {
      message: 'ndcg@10 is measured on eval_collection, which is not given',
      fields: ['metric_for_best_model', 'eval_collection'],
      hint: 'Give it, or say metric_for_best_model: reward',
    };
  }
}
