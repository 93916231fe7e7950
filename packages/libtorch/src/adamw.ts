/** AdamW (Loshchilov and Hutter 2019), all parameters in one call of LibTorch's fused step. */
import { noGrad } from './autograd.ts';
import { zeros } from './creation.ts';
import { LibTorchError } from './errors.ts';
import { scope } from './scope.ts';
import { operator } from './operators.ts';
import { optionsOf } from './options.ts';
import { handleOf, handlesOf, type Tensor } from './tensor.ts';

/** The defaults are PyTorch's. */
export interface AdamWOptions {
  /** Default 1e-3. */
  readonly learningRate?: number;
  /** Default 0.9 and 0.999. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Default 0.01. */
  readonly weightDecay?: number;
}

/** What an optimiser remembers of a parameter. */
export interface AdamWState {
  /** How many steps it was changed in. */
  readonly step: Tensor;
  /** The moving mean of its gradient, and of its square. */
  readonly mean: Tensor;
  readonly square: Tensor;
}

const fused = operator('_fused_adamw_');

/** Changes parameters by their gradients. */
export class AdamW {
  readonly parameters: readonly Tensor[];
  /** What the next step uses; may be set between steps. */
  learningRate: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly #states = new Map<Tensor, AdamWState>();

  /** Throws `BAD_ARGUMENT` for parameters without gradients and for numbers out of range. */
  constructor(parameters: readonly Tensor[], options?: AdamWOptions) {
    const {
      learningRate = 1e-3,
      betas = [0.9, 0.999],
      epsilon = 1e-8,
      weightDecay = 0.01,
    } = optionsOf(options, 'AdamW', ['learningRate', 'betas', 'epsilon', 'weightDecay']);
    handlesOf(parameters, 'AdamW: parameters');
    if (parameters.length === 0) throw new LibTorchError('BAD_ARGUMENT', 'AdamW: there are no parameters');
    this.parameters = [...parameters];
    if (new Set(parameters).size < parameters.length) {
      throw new LibTorchError('BAD_ARGUMENT', 'AdamW: a parameter is given twice');
    }
    for (const [name, value] of Object.entries({ learningRate, epsilon, weightDecay })) {
      checkFrom0(name, value);
    }
    if (!Array.isArray(betas) || betas.length !== 2 || !betas.every((beta) => isFrom0(beta) && beta < 1)) {
      throw new LibTorchError('BAD_ARGUMENT', 'AdamW: betas are two numbers from 0 and below 1');
    }
    this.learningRate = learningRate;
    this.betas = [betas[0], betas[1]];
    this.epsilon = epsilon;
    this.weightDecay = weightDecay;
    const other = this.parameters.findIndex(({ requiresGrad, isLeaf }) => !requiresGrad || !isLeaf);
    if (other >= 0) {
      throw new LibTorchError('BAD_ARGUMENT', `AdamW: parameter ${other} is no leaf that requires gradients`);
    }
  }

  /** One step; parameters without a gradient stay as they are. Throws `BAD_ARGUMENT` for a {@link learningRate} out of range. */
  step(): void {
    checkFrom0('learningRate', this.learningRate);
    scope(() =>
      noGrad(() => {
        const changed = this.parameters.flatMap((parameter) => {
          const { grad } = parameter;
          return grad ? [{ parameter, grad: inRows(grad), state: this.#stateOf(parameter) }] : [];
        });
        for (const group of byKind(changed)) {
          const states = group.map(({ state }) => state);
          const values = group.map(({ parameter }) => inRows(parameter));
          // The fused step takes the number of the step that it makes.
          for (const { step } of states) step.add_(1);
          fused(
            handlesOf(values),
            handlesOf(group.map(({ grad }) => grad)),
            handlesOf(states.map(({ mean }) => mean)),
            handlesOf(states.map(({ square }) => square)),
            [],
            handlesOf(states.map(({ step }) => step)),
            this.learningRate,
            this.betas[0],
            this.betas[1],
            this.weightDecay,
            this.epsilon,
            false,
            false,
          );
          for (const [i, { parameter }] of group.entries()) {
            if (values[i] !== parameter) parameter.copy_(values[i]);
          }
        }
      }),
    );
  }

  /** Forgets the gradients. */
  zeroGrad(): void {
    for (const parameter of this.parameters) parameter.grad = undefined;
  }

  /** What is remembered of a parameter, by its place; undefined before its first step. Throws `BAD_ARGUMENT`. */
  state(index: number): AdamWState | undefined {
    return this.#states.get(this.#parameter(index));
  }

  /**
   * Sets what is remembered, as {@link AdamW.state} gave it; the tensors are copied. Throws `BAD_ARGUMENT` where a shape is another,
   * and `WRONG_DTYPE` where a type is: `step` is of float32, the others of the parameter's type. Then nothing is changed.
   */
  setState(index: number, state: AdamWState): void {
    const parameter = this.#parameter(index);
    const { shape, dtype } = parameter;
    const wanted = {
      step: { shape: [], dtype: 'float32' },
      mean: { shape, dtype },
      square: { shape, dtype },
    };
    const parts = ['step', 'mean', 'square'] as const;
    for (const part of parts) {
      handleOf(state?.[part], `AdamW: ${part}`);
      const [given, own] = [state[part], wanted[part]];
      const what = `AdamW: ${part} of parameter ${index}`;
      if (String(given.shape) !== String(own.shape)) {
        throw new LibTorchError('BAD_ARGUMENT', `${what} has the shape [${given.shape}], not [${own.shape}]`);
      }
      if (given.dtype !== own.dtype) {
        throw new LibTorchError('WRONG_DTYPE', `${what} is of ${given.dtype}, not ${own.dtype}`);
      }
    }
    const own = this.#stateOf(parameter);
    noGrad(() => {
      for (const part of parts) own[part].copy_(state[part]);
    });
  }

  /** Frees what is remembered. */
  dispose(): void {
    for (const state of this.#states.values()) {
      state.step.dispose();
      state.mean.dispose();
      state.square.dispose();
    }
    this.#states.clear();
  }

  #parameter(index: number): Tensor {
    const parameter = typeof index === 'number' ? this.parameters[index] : undefined;
    if (parameter) return parameter;
    throw new LibTorchError(
      'BAD_ARGUMENT',
      `AdamW: there is no such parameter; they are counted from 0 to ${this.parameters.length - 1}`,
    );
  }

  #stateOf(parameter: Tensor): AdamWState {
    let state = this.#states.get(parameter);
    if (!state) {
      const { shape, dtype, device } = parameter;
      state = {
        step: zeros([], { device }).keep(),
        mean: zeros(shape, { dtype, device }).keep(),
        square: zeros(shape, { dtype, device }).keep(),
      };
      this.#states.set(parameter, state);
    }
    return state;
  }
}

function isFrom0(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Infinity;
}

/** One NaN here would be in all weights after a step. */
function checkFrom0(name: string, value: unknown): void {
  if (!isFrom0(value)) throw new LibTorchError('BAD_ARGUMENT', `AdamW: ${name} is a number from 0`);
}

/** The fused step goes through memory from its start, whatever the strides are. */
function inRows(tensor: Tensor): Tensor {
  return tensor.isContiguous ? tensor : tensor.contiguous();
}

/** The fused step takes parameters of one type on one device. */
function byKind<T extends { readonly parameter: Tensor }>(changed: readonly T[]): T[][] {
  const groups = new Map<string, T[]>();
  for (const each of changed) {
    const key = `${each.parameter.dtype} ${each.parameter.device}`;
    const group = groups.get(key);
    if (group) group.push(each);
    else groups.set(key, [each]);
  }
  return [...groups.values()];
}
