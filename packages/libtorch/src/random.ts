/** Random generators. */
import { native } from './native.ts';
import { checkedDevice, handleOf, Tensor, type Device } from './tensor.ts';

const registry = new FinalizationRegistry<number>((handle) => {
  native().freeGenerator(handle);
});

/** A stream of random numbers of a device, which depends on its seed alone. */
export class Generator {
  /** Its number in the addon. */
  readonly handle: number;

  /** A whole number as seed. Throws `NO_DEVICE`. */
  constructor(seed: number, device: Device = 'cpu') {
    this.handle = native().generator(checkedDevice(device), seed);
    registry.register(this, this.handle, this);
  }

  /** Begins anew from a seed. */
  manualSeed(seed: number): this {
    native().seed(this.handle, seed);
    return this;
  }

  /** Where it stands: bytes (uint8) that {@link setState} takes. */
  state(): Tensor {
    return new Tensor(native().generatorState(this.handle));
  }

  /** Throws `BAD_ARGUMENT` for a state of another kind of generator. */
  setState(state: Tensor): this {
    native().setGeneratorState(this.handle, handleOf(state, 'state'));
    return this;
  }

  dispose(): void {
    if (native().freeGenerator(this.handle)) registry.unregister(this);
  }
}

/** Seeds the generator that a device uses where none is named. */
export function manualSeed(seed: number, device: Device = 'cpu'): void {
  native().seed(checkedDevice(device), seed);
}

/** Where the device's own generator stands. */
export function generatorState(device: Device = 'cpu'): Tensor {
  return new Tensor(native().generatorState(checkedDevice(device)));
}

/** Puts the device's own generator where {@link generatorState} found it. */
export function setGeneratorState(state: Tensor, device: Device = 'cpu'): void {
  native().setGeneratorState(checkedDevice(device), handleOf(state, 'state'));
}
