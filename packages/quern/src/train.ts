/** Training on LibTorch, `quern/train`: apart from the rest, which does without LibTorch. */
export { advantagesOf, type Advantages, type RewardScale } from './train/advantages.ts';
export {
  grpoUpdate,
  type Group,
  type GrpoSettings,
  type RewardedCompletion,
  type UpdateStatistics,
} from './train/grpo.ts';
export {
  lossStatistics,
  lossTypes,
  policyLoss,
  tokenWeight,
  type BatchTotals,
  type LossSettings,
  type LossStatistics,
  type LossType,
  type TokenLosses,
} from './train/policy-loss.ts';
export {
  TrainedModel,
  type OptimizerSettings,
  type RecordedTokens,
  type TrainedModelOptions,
} from './train/policy/trained-model.ts';
export { microBatches, sequenceBatch, type Sequence, type SequenceBatch } from './train/sequence-batch.ts';
export { readTrainConfig, configYaml, type ConfigSources } from './train/configuration/read-config.ts';
export type { TrainConfig } from './train/configuration/train-config.ts';
export { presetNames, type PresetName } from './train/configuration/presets.ts';
export { train, type TrainingEvent, type TrainingOptions, type TrainingOutcome } from './train/trainer.ts';
export { trainInThread, type ThreadOptions } from './train/training-thread.ts';
export type { MetricsLine } from './train/metrics.ts';
