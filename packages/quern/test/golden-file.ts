import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** What a golden file holds; `path` counts from `test/golden`. */
export function goldenFile<T>(path: string): T {
  return JSON.parse(readFileSync(resolve(import.meta.dirname, 'golden', path), 'utf8')) as T;
}

/**
 * The largest difference between two lists or records of numbers, by place or by name; infinite where one has what the
 * other lacks.
 */
export function largestDifference(a: Numbers, b: Numbers): number {
  const [x, y] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  const names = new Set([...x.keys(), ...y.keys()]);
  return Math.max(
    0,
    ...Array.from(names, (name) => Math.abs((x.get(name) ?? Infinity) - (y.get(name) ?? -Infinity))),
  );
}

type Numbers = Readonly<Record<string, number>> | readonly number[];
