import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fileError } from '../errors.ts';
import { WebAssembly, type SharedMemory } from './web-assembly.ts';

/**
 * The loops of a search, compiled from `packages/quern/kernels`, where each is described. They work on addresses
 * in one memory; WebAssembly keeps them within it, whatever a damaged file says.
 */
export interface Kernels {
  addBlock(
    sums: number,
    documents: number,
    codes: number,
    table: number,
    rareDocuments: number,
    rareSaturations: number,
    cursors: number,
    count: number,
    first: number,
    end: number,
  ): number;
  reaches(documents: number, cursors: number, count: number, end: number): number;
  seek(documents: number, from: number, to: number, document: number): number;
  largestSaturation(codes: number, from: number, to: number, table: number): number;
  reset(sums: number, first: number, count: number): void;
  exclude(sums: number, numbers: number, from: number, to: number): void;
  candidatesOf(
    top: number,
    sums: number,
    first: number,
    count: number,
    documents: number,
    codes: number,
    table: number,
    frequent: number,
    terms: number,
    candidates: number,
    scratch: number,
    counts: number,
  ): number;
  doubtful(sums: number, candidates: number, count: number, error: number): number;
  offerBlock(
    top: number,
    sums: number,
    first: number,
    count: number,
    places: number,
    candidates: number,
    scratch: number,
  ): void;
  offerListed(top: number, sums: number, candidates: number, count: number, places: number): void;
  keepBest(top: number): void;
  takeBest(top: number, order: number, documents: number, scores: number): number;
}

let compiled: object | undefined;

/** The kernels over `memory`, which is shared. */
export function kernelsOver(memory: SharedMemory): Kernels {
  compiled ??= new WebAssembly.Module(moduleBytes());
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as Kernels;
}

function moduleBytes(): Uint8Array {
  // From src/lexical and from dist/lexical this is the same file.
  const path = fileURLToPath(new URL('../../dist/lexical/search.wasm', import.meta.url));
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError(error, path);
  }
}
