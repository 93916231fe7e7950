/** LibTorch for Node. Functions have PyTorch's names, in camel case; those that change a tensor end in `_`. */
export { LibTorchError, type LibTorchErrorCode } from './errors.ts';
export { buildsFolder, type Build } from './location.ts';
export type { Memory } from './native.ts';
export { cat, stack, where, Tensor, type Device, type Dtype, type Operand } from './tensor.ts';
export {
  arange,
  empty,
  eye,
  fromBytes,
  full,
  ones,
  onesLike,
  rand,
  randn,
  tensor,
  zeros,
  zerosLike,
  type RandomOptions,
  type TensorOptions,
  type Values,
} from './creation.ts';
export { scope } from './scope.ts';
export { autocast, enableGrad, grad, noGrad } from './autograd.ts';
export { decoderStep, type DecoderLayer, type DecoderStepOptions } from './decoder.ts';
export {
  crossEntropy,
  dropout,
  embedding,
  layerNorm,
  linear,
  rmsNorm,
  sample,
  scaledDotProductAttention,
  tokenLogProbabilities,
  tokenLogProbabilitiesAndEntropies,
  type AttentionOptions,
  type SampledTokens,
  type SampleOptions,
  type TokenLogProbabilityOptions,
} from './functional.ts';
export { AdamW, type AdamWOptions, type AdamWState } from './adamw.ts';
export { clipGradNorm } from './gradient-clipping.ts';
export { generatorState, Generator, manualSeed, setGeneratorState } from './random.ts';
export {
  cudaDeviceCount,
  enableCudnnAttention,
  getNumThreads,
  libtorch,
  memory,
  resetPeakMemory,
  setNumThreads,
  synchronize,
  useDeterministicAlgorithms,
} from './runtime.ts';
