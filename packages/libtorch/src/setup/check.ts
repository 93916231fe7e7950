/** Run as a program of its own with the path of an addon: loads it, and fits a line by one step of gradient descent. */
import { LibTorchError, type LibTorchErrorCode } from '../errors.ts';

type Handle = number;

/** What is used here of the addon. */
interface Addon {
  setErrors(errorOf: (code: LibTorchErrorCode, message: string) => LibTorchError): void;
  operator(name: string, overload: string): number;
  call(operator: number, ...args: unknown[]): Handle;
  fromBytes(values: Float32Array, shape: readonly number[], dtype: 'float32'): Handle;
  setRequiresGrad(tensor: Handle, requires: boolean): void;
  backward(tensors: readonly Handle[], gradients: readonly undefined[], retains: boolean): void;
  gradient(tensor: Handle): Handle;
  gradMode(enabled: boolean): boolean;
  item(tensor: Handle): number;
}

const loaded = { exports: {} };
process.dlopen(loaded, process.argv[2]);
const addon = loaded.exports as Addon;
addon.setErrors((errorCode, message) => new LibTorchError(errorCode, message));

const [matmul, subtract, multiply, mean, descend] = [
  ['matmul', ''],
  ['sub', 'Tensor'],
  ['mul', 'Tensor'],
  ['mean', ''],
  ['sub_', 'Tensor'],
].map(([name, overload]) => addon.operator(name, overload));

// y = 2 a - b at four points. Shapes: inputs (4, 2), weights (2, 1), targets (4, 1).
const inputs = addon.fromBytes(new Float32Array([1, 0, 0, 1, 1, 1, 2, 1]), [4, 2], 'float32');
const targets = addon.fromBytes(new Float32Array([2, -1, 1, 3]), [4, 1], 'float32');
const weights = addon.fromBytes(new Float32Array([0, 0]), [2, 1], 'float32');
addon.setRequiresGrad(weights, true);

function loss(): Handle {
  const difference = addon.call(subtract, addon.call(matmul, inputs, weights), targets);
  return addon.call(mean, addon.call(multiply, difference, difference));
}

const before = loss();
addon.backward([before], [undefined], false);
addon.gradMode(false);
addon.call(descend, weights, addon.gradient(weights), 0.1);
const [was, is] = [addon.item(before), addon.item(loss())];
if (!(is < was)) throw new Error(`a step of training took the loss from ${was} to ${is}`);
process.stdout.write(`${JSON.stringify({ was, is })}\n`);
