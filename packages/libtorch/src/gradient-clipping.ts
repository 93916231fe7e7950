import { noGrad } from './autograd.ts';
import { LibTorchError } from './errors.ts';
import { operator } from './operators.ts';
import { scope } from './scope.ts';
import { handleOf, handlesOf, one, stack, type Tensor } from './tensor.ts';

const vectorNorm = operator('linalg_vector_norm');

/**
 * Scales the gradients of `parameters` so that their norm, all of them taken as one vector, is at most `most`. Returns the norm
 * before (PyTorch's `clip_grad_norm_`, with its 1e-6 in the divisor), computed in float32. Where that is NaN or infinite the
 * gradients stay as they are, for the caller to pass the step over; PyTorch would make them NaN or 0.
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
        normOf(gradient).to({ dtype: 'float32', device: gradients[0].device }),
      );
      const norm = stack(norms).norm().item();
      if (!Number.isFinite(norm)) return norm;
      const scale = most / (norm + 1e-6);
      if (scale < 1) for (const gradient of gradients) gradient.mul_(scale);
      return norm;
    }),
  );
}

/** The largest float16 is 65,504, which the norm of many gradients passes. */
function normOf(gradient: Tensor): Tensor {
  const dtype = gradient.dtype === 'float64' ? 'float64' : 'float32';
  return one(vectorNorm(handleOf(gradient), 2, undefined, false, dtype));
}
