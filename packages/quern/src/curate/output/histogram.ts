import type { Histogram } from '../curation.ts';

/** Counts values between edges; those below the first and beyond the last count with the nearest. */
export class Counting {
  readonly #edges: readonly number[];
  readonly #counts: number[];

  constructor(edges: readonly number[]) {
    this.#edges = edges;
    this.#counts = Array.from({ length: edges.length - 1 }, () => 0);
  }

  add(value: number): void {
    const at = this.#edges.findLastIndex((edge) => value >= edge);
    this.#counts[Math.min(this.#counts.length - 1, Math.max(0, at))]++;
  }

  get histogram(): Histogram {
    return { edges: this.#edges, counts: this.#counts };
  }
}

/** Edges that double: 0, first, 2 · first, …, and Infinity. */
export function doublingEdges(first: number, size: number): number[] {
  return [0, ...Array.from({ length: size }, (_, i) => first * 2 ** i), Infinity];
}

/** Edges at each whole number from `from` to `to`, and Infinity. */
export function wholeEdges(from: number, to: number): number[] {
  return [...Array.from({ length: to - from + 1 }, (_, i) => from + i), Infinity];
}
