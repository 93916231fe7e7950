/** Whether and in what type operations are recorded, and gradients of one tensor by others. */
import { LibTorchError } from './errors.ts';
import { native } from './native.ts';
import { optionsOf } from './options.ts';
import { checkedDevice, handlesOf, Tensor, type Device } from './tensor.ts';
import { within } from './work.ts';

/** What `work` returns; operations in it are not recorded. */
export function noGrad<T>(work: () => T): T {
  return withGradMode(false, work);
}

/** What `work` returns; operations in it are recorded, also within {@link noGrad}. */
export function enableGrad<T>(work: () => T): T {
  return withGradMode(true, work);
}

function withGradMode<T>(enabled: boolean, work: () => T): T {
  const addon = native();
  let before: boolean | undefined;
  return within(
    {
      what: enabled ? 'enableGrad' : 'noGrad',
      hint: 'Await outside of it',
      enter: () => {
        before = addon.gradMode(enabled);
      },
      leave: () => {
        if (before !== undefined) addon.gradMode(before);
      },
    },
    work,
  );
}

/**
 * What `work` returns; matrix products in it are computed in `dtype`, and what needs more in float32 (PyTorch's autocast).
 * Backward passes belong outside.
 */
export function autocast<T>(dtype: 'bfloat16' | 'float16', work: () => T, device: Device = 'cpu'): T {
  if (dtype === undefined) throw new LibTorchError('BAD_ARGUMENT', 'autocast: dtype is bfloat16 or float16');
  const addon = native();
  const on = checkedDevice(device);
  let before: string | undefined;
  let isEntered = false;
  return within(
    {
      what: 'autocast',
      hint: 'Await outside of it',
      enter: () => {
        before = addon.autocast(on, dtype);
        isEntered = true;
      },
      leave: () => {
        if (isEntered) addon.autocast(on, before);
      },
    },
    work,
  );
}

/**
 * The gradients of the sum of `outputs` (each times its `gradients`, where there are any) by each of `inputs`, which leaves the
 * leaves' own gradients alone. Throws `TORCH` where an input has no part in it, unless `allowUnused`: then it is undefined.
 */
export function grad(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  options?: {
    readonly gradients?: readonly Tensor[];
    readonly retainGraph?: boolean;
    readonly allowUnused?: boolean;
  },
): (Tensor | undefined)[] {
  const {
    gradients,
    retainGraph = false,
    allowUnused = false,
  } = optionsOf(options, 'grad', ['gradients', 'retainGraph', 'allowUnused']);
  const of = handlesOf(outputs, 'grad: outputs');
  const given = gradients === undefined ? of.map(() => undefined) : handlesOf(gradients, 'grad: gradients');
  return native()
    .grad(of, handlesOf(inputs, 'grad: inputs'), given, retainGraph, allowUnused)
    .map((handle) => (handle === undefined ? undefined : new Tensor(handle)));
}
