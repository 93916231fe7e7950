/** The part of WebAssembly's JavaScript interface that is used here; Node's types leave it out. */
interface WebAssemblyInterface {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  readonly Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => SharedMemory;
}

/** A memory that threads share; it is passed to them by `postMessage`. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
  /** Adds pages of 64 KiB and returns how many there were. */
  grow(pages: number): number;
}

export const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyInterface };
