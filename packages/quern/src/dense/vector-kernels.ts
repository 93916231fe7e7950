import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fileError } from '../errors.ts';
import { WebAssembly, type SharedMemory } from '../lexical/web-assembly.ts';

type Scores = (
  rows: number,
  count: number,
  stride: number,
  width: number,
  query: number,
  queries: number,
  queryBytes: number,
  out: number,
  outBytes: number,
) => void;

type Products = (
  rows: number,
  count: number,
  stride: number,
  width: number,
  query: number,
  out: number,
) => void;

/** The loops of a search among vectors, compiled from `packages/quern/kernels/vectors.ts`, where each is described. */
export interface VectorKernels {
  readonly scoresF32: Scores;
  readonly scoresF16: Scores;
  readonly scoresI8: Scores;
  floats(rows: number, count: number, stride: number, width: number, out: number): void;
  readonly productsF32: Products;
  readonly productsF16: Products;
  readonly productsI8: Products;
}

let compiled: object | undefined;

/** The kernels over `memory`, which is shared. */
export function vectorKernelsOver(memory: SharedMemory): VectorKernels {
  compiled ??= new WebAssembly.Module(moduleBytes());
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as VectorKernels;
}

function moduleBytes(): Uint8Array {
  // From src/dense and from dist/dense this is the same file.
  const path = fileURLToPath(new URL('../../dist/dense/vectors.wasm', import.meta.url));
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError(error, path);
  }
}
