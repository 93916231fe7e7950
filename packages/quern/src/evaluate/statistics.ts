import { QuernError } from '../errors.ts';
import { randomIntegers } from '../random.ts';
import { twoSidedP, twoSidedQuantile } from './statistics-student.ts';

/** An interval, both ends included. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** A test of "the mean difference is 0" by Student's t. */
export interface TTest {
  /** mean / (standard deviation / √n); `null` where the differences do not vary, or where there is but one. */
  readonly t: number | null;
  readonly degreesOfFreedom: number;
  /** Two-sided p: 1 if all differences are 0 or there is but one, 0 if they are all alike and not 0. */
  readonly p: number;
}

/** A test of "the sign of each difference is a coin's throw" by randomisation. */
export interface RandomisationTest {
  /** Two-sided p, above 0. */
  readonly p: number;
  /** Number of sign patterns that were looked at. */
  readonly patterns: number;
  /** Whether these were all there are. */
  readonly exact: boolean;
}

/** Settings of what is drawn at random; the same settings give the same numbers. */
export interface SamplingSettings {
  /** An integer, of which the low 32 bits count; default 1. */
  readonly seed?: number;
  /** Number of samples, an integer of 1 or more. */
  readonly samples?: number;
}

/** The arithmetic mean; 0 of nothing. */
export function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : sumOf(values) / values.length;
}

/** The sample standard deviation (n - 1 in the denominator); 0 for fewer than two values or values all alike. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  // Shifted by one of them, values that are all alike but for rounding stay so.
  const origin = values[0];
  const shifted = values.map((value) => value - origin);
  const mean = meanOf(shifted);
  const deviation = Math.sqrt(sumOf(shifted.map((value) => (value - mean) ** 2)) / (values.length - 1));
  return deviation <= 1e-14 * Math.abs(origin) ? 0 : deviation;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** The paired two-sided t-test on the differences of n topics, n - 1 degrees of freedom. */
export function pairedTTest(differences: readonly number[]): TTest {
  const n = differences.length;
  const degreesOfFreedom = Math.max(0, n - 1);
  const mean = meanOf(differences);
  const deviation = standardDeviation(differences);
  if (deviation === 0) {
    return { t: null, degreesOfFreedom, p: n < 2 || mean === 0 ? 1 : 0 };
  }
  const t = mean / (deviation / Math.sqrt(n));
  return { t, degreesOfFreedom, p: twoSidedP(t, degreesOfFreedom) };
}

/**
 * The interval that covers the mean difference with 95 % confidence: mean ± t(0.975, n - 1) · standard deviation / √n;
 * `null` for fewer than two differences.
 */
export function meanInterval(differences: readonly number[]): Interval | null {
  const n = differences.length;
  if (n < 2) return null;
  const mean = meanOf(differences);
  const half = (twoSidedQuantile(0.05, n - 1) * standardDeviation(differences)) / Math.sqrt(n);
  return { low: mean - half, high: mean + half };
}

/**
 * The standardised mean difference d_z: mean / standard deviation of the differences (Cohen, Statistical Power Analysis
 * for the Behavioral Sciences, 2nd ed., 2.3.5). 0 if all differences are 0; `null` where they do not vary otherwise, or
 * where there is but one.
 */
export function standardisedDifference(differences: readonly number[]): number | null {
  if (differences.every((difference) => difference === 0)) return 0;
  const deviation = standardDeviation(differences);
  return deviation === 0 ? null : meanOf(differences) / deviation;
}

/**
 * The paired two-sided randomisation (sign-flip) test (Fisher; for retrieval: Smucker, Allan and Carterette, CIKM 2007):
 * how often the absolute sum of the differences is at least the observed one when each difference keeps or turns its
 * sign at random. Differences of 0 have no say. All 2^n patterns are enumerated where that is at most 2^16; otherwise
 * `samples` (default 100,000) patterns are drawn, and p = (hits + 1) / (samples + 1).
 */
export function randomisationTest(
  differences: readonly number[],
  sampling: SamplingSettings = {},
): RandomisationTest {
  return inOneGo(randomisationSteps(differences, sampling));
}

/** {@link randomisationTest} in steps of a few milliseconds, for where something else has to be done in between. */
export function* randomisationSteps(
  differences: readonly number[],
  { seed = 1, samples = 100_000 }: SamplingSettings = {},
): Generator<void, RandomisationTest, undefined> {
  assertSampling(seed, samples);
  const sizes = differences.filter((difference) => difference !== 0);
  // Sums of the same numbers in another order differ by their rounding.
  const least = Math.abs(sumOf(sizes)) - 1e-12 * sumOf(sizes.map(Math.abs));
  if (sizes.length <= 16) {
    const sums = signedSums(sizes);
    const hits = sums.reduce((count, sum) => (Math.abs(sum) >= least ? count + 1 : count), 0);
    return { p: hits / sums.length, patterns: sums.length, exact: true };
  }

  // Eight signs a table, one byte of a random integer each.
  const tables: Float64Array[] = [];
  for (let i = 0; i < sizes.length; i += 8) {
    const sums = signedSums(sizes.slice(i, i + 8));
    tables.push(Float64Array.from({ length: 256 }, (_, byte) => sums[byte % sums.length]));
    if (tables.length % 64 === 0) yield;
  }
  const samplesAStep = Math.ceil(stepLookups / tables.length);
  const next = randomIntegers(seed);
  let hits = 0;
  for (let sample = 0; sample < samples; sample++) {
    let sum = 0;
    let bits = 0;
    for (let i = 0; i < tables.length; i++) {
      bits = i % 4 === 0 ? next() : bits >>> 8;
      sum += tables[i][bits & 0xff];
    }
    if (Math.abs(sum) >= least) hits++;
    if ((sample + 1) % samplesAStep === 0) yield;
  }
  return { p: (hits + 1) / (samples + 1), patterns: samples, exact: false };
}

/** Sums that are looked up between two steps: some milliseconds. */
const stepLookups = 1_000_000;

/** What `steps` return, without a pause between them. */
export function inOneGo<T>(steps: Generator<void, T, undefined>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** The sums of `sizes` under all 2^n patterns of signs. */
function signedSums(sizes: readonly number[]): number[] {
  let sums = [0];
  for (const size of sizes) sums = [...sums.map((sum) => sum + size), ...sums.map((sum) => sum - size)];
  return sums;
}

/**
 * The 95 % percentile bootstrap interval of the mean of `values` (Efron and Tibshirani, An Introduction to the
 * Bootstrap, 13.3): from the 2.5th to the 97.5th percentile, interpolated, of the means of `samples` (default 10,000)
 * resamples. `null` for no values.
 */
export function bootstrapInterval(
  values: readonly number[],
  { seed = 1, samples = 10_000 }: SamplingSettings = {},
): Interval | null {
  assertSampling(seed, samples);
  const n = values.length;
  if (n === 0) return null;
  const next = randomIntegers(seed);
  const means = Float64Array.from({ length: samples }, () => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[Math.floor((next() / 2 ** 32) * n)];
    return sum / n;
  }).sort();
  return { low: percentile(means, 0.025), high: percentile(means, 0.975) };
}

/** The value below which `part` of the ascending `values` lie, interpolated between two of them. */
export function percentile(values: Float64Array, part: number): number {
  const place = part * (values.length - 1);
  const below = Math.floor(place);
  const low = values[below];
  return low + (place - below) * ((values[below + 1] ?? low) - low);
}

/** What was tested together with others. */
export interface AdjustedP {
  /** p, adjusted by {@link holm} over all that were. */
  readonly adjustedP: number;
}

/**
 * Holm's step-down adjustment of the p values of a family of tests (Scandinavian Journal of Statistics 6, 1979), in
 * their order: those at most α keep the chance of any false finding at most α.
 */
export function holm(p: readonly number[]): number[] {
  const order = p.map((_, i) => i).sort((a, b) => p[a] - p[b]);
  const adjusted = Array.from(p, () => 0);
  let greatest = 0;
  for (const [step, i] of order.entries()) {
    greatest = Math.max(greatest, Math.min(1, (p.length - step) * p[i]));
    adjusted[i] = greatest;
  }
  return adjusted;
}

function assertSampling(seed: number, samples: number): void {
  if (!Number.isSafeInteger(seed)) throw new QuernError('USAGE', `seed ${seed} is not an integer`);
  if (!Number.isSafeInteger(samples) || samples < 1) {
    throw new QuernError('USAGE', `${samples} samples: not an integer of 1 or more`);
  }
}
