/** Models on LibTorch, `quern/torch`: apart from the rest, which does without LibTorch. */
export { BertModel } from './models/torch/bert-model.ts';
export { openTextTokenizer, type TextTokenizer } from './models/checkpoint-texts.ts';
export { torchDevice } from './models/torch/device.ts';
export { KeyValueCache, type CacheShape } from './models/torch/key-value-cache.ts';
export { Qwen2Model, type LayerState, type Qwen2LoadOptions } from './models/torch/qwen2-model.ts';
export { randomQwen2, type RandomQwen2Options } from './models/torch/random-qwen2.ts';
export { qwen2ConfigJson } from './models/torch/qwen2-config-json.ts';
export { saveModel, type SaveModelOptions } from './models/torch/save-model.ts';
export { TokenGenerator, type GenerationWork } from './models/torch/token-generation.ts';
export type { TokenCompletion, TokenGeneratorSettings, TokenRequest } from './models/torch/token-requests.ts';
export { quernError } from './models/torch/torch-error.ts';
export type { Sampling } from './models/sampling.ts';
export type { Placement, WeightMap } from './models/torch/weight-map.ts';
export type { Qwen2Config, RopeScaling } from './models/checkpoint/qwen2-config.ts';
export type { BertConfig } from './models/checkpoint/bert-config.ts';
