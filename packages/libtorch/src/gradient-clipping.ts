import { noGrad } from './autograd.ts';
import { LibTorchError } from './errors.ts';
import { scope } from './scope.ts';
import { handlesOf, stack, type Tensor } from './tensor.ts';

/**
 * Scales the gradients of `parameters` so that their norm, all of them taken as one vector, is at most `most`. Returns the norm
 * before (PyTorch's `clip_grad_norm_`, with its 1e-6 in the divisor).
 */
export function clipGradNorm(parameters: readonly Tensor[], most: number): number {
  handlesOf(parameters, 'clipGradNorm: parameters');
  if (!(typeof most === 'number' && most >= 0)) {
    throw new LibTorchError('BAD_ARGUMENT', 'clipGradNorm: the norm is a number from 0');
  }
  return scope(() =>
    noGrad(() => {
      const gradients = parameters.flatMap(({ grad }) => (grad ? [grad] : []));
      if (gradients.length === 0) return 0;
      const norms = gradients.map((gradient) =>
        gradient.norm().to({ dtype: 'float32', device: gradients[0].device }),
      );
      const norm = stack(norms).norm().item();
      const scale = most / (norm + 1e-6);
      if (scale < 1) for (const gradient of gradients) gradient.mul_(scale);
      return norm;
    }),
  );
}
