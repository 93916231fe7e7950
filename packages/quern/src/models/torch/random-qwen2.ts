import { Generator, ones, randn, scope, zeros, type Tensor } from '@quern/libtorch';
import { QuernError } from '../../errors.ts';
import { parseQwen2Config, type Qwen2Config } from '../checkpoint/qwen2-config.ts';
import type { JsonObject } from '../checkpoint/json-file.ts';
import { qwen2Tensors } from '../checkpoint/qwen2-tensors.ts';
import { qwen2ConfigJson } from './qwen2-config-json.ts';
import { Qwen2Model } from './qwen2-model.ts';
import { quernError } from './torch-error.ts';
import type { Placement } from './weight-map.ts';

/** How {@link randomQwen2} makes a model; float32 on the processor unless told otherwise. */
export interface RandomQwen2Options extends Partial<Placement> {
  /** A whole number. Default 0. */
  readonly seed?: number;
  /** Whether its weights are to be trained. Default false. */
  readonly isTrained?: boolean;
}

/**
 * A model of new random weights: normal numbers of deviation 0.02 from `seed`, norms of 1, biases of 0 (transformers'
 * initialisation). Throws `USAGE` for a configuration that no checkpoint can have, and `MISSING_PACKAGE` without LibTorch.
 */
export function randomQwen2(config: Qwen2Config, options: RandomQwen2Options = {}): Qwen2Model {
  const { seed = 0, isTrained = false, dtype = 'float32', device = 'cpu', stream } = options;
  checkConfig(config);
  try {
    return new Qwen2Model(config, randomWeights(config, { seed, isTrained, dtype, device }), {
      dtype,
      device,
      stream,
    });
  } catch (error) {
    throw quernError(error);
  }
}

function randomWeights(
  config: Qwen2Config,
  { seed, isTrained, dtype, device }: Required<Omit<RandomQwen2Options, 'stream'>>,
): Map<string, Tensor> {
  return scope(() => {
    const generator = new Generator(seed);
    return new Map(
      qwen2Tensors(config).map(({ name, shape }) => {
        const value = name.endsWith('norm.weight')
          ? ones(shape)
          : name.endsWith('.bias')
            ? zeros(shape)
            : randn(shape, { generator }).mul_(0.02);
        const placed = value.to({ dtype, device });
        return [name, isTrained ? placed.requiresGrad_() : placed] as const;
      }),
    );
  });
}

/** A configuration holds what a file of it would have to. */
function checkConfig(config: Qwen2Config): void {
  try {
    parseQwen2Config(JSON.parse(JSON.stringify(qwen2ConfigJson(config))) as JsonObject, 'config');
  } catch (error) {
    if (!(error instanceof QuernError) && !(error instanceof TypeError)) throw error;
    throw new QuernError('USAGE', `no Qwen2 model can be made of it: ${error.message}`, { cause: error });
  }
}
