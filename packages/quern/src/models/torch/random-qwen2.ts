import { Generator, ones, randn, scope, zeros } from '@quern/libtorch';
import type { Qwen2Config } from '../checkpoint/qwen2-config.ts';
import { qwen2Tensors } from '../checkpoint/qwen2-tensors.ts';
import { Qwen2Model } from './qwen2-model.ts';
import type { Placement } from './weight-map.ts';

/**
 * A model of new random weights: normal numbers of deviation 0.02 from `seed`, norms of 1, biases of 0 (transformers'
 * initialisation).
 */
export function randomQwen2(
  config: Qwen2Config,
  {
    seed,
    isTrained = false,
    ...placement
  }: { readonly seed: number; readonly isTrained?: boolean } & Partial<Placement>,
): Qwen2Model {
  const { dtype = 'float32', device = 'cpu' } = placement;
  const weights = scope(() => {
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
  return new Qwen2Model(config, weights, { dtype, device });
}
