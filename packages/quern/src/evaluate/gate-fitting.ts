/**
 * Gate rules that fit topics whose gain is known. The gain of a topic is what reasoning added to its measure; a rule's
 * worth to a topic is that gain, less what a call must bring, where it reasons, and 0 where it stands aside.
 */
import { factNames, type FactName } from '../search/query-facts.ts';
import { standardised, type GateRule, type LinearFact, type LinearRule } from '../search/gate-rule.ts';
import { meanOf, standardDeviation } from './statistics.ts';

/** A topic as a gate is calibrated on it. */
export interface GateTopic {
  readonly id: string;
  /** Of the plain query, by name. */
  readonly facts: Readonly<Record<FactName, number>>;
  /** The measure with reasoning, less the measure without. */
  readonly gain: number;
}

/** The best rule of one form for topics. `worth` is the least gain that a call must bring. */
export type FitRule = (topics: readonly GateTopic[], worth: number) => GateRule;

/** A threshold leaves at least this share of the topics on either side: fewer say nothing of the next ones. */
const leastSide = 0.1;

/** Weight of the ridge penalty, a topic: as if each weight had been seen at 0 in this share of the topics. */
const penalty = 0.3;

/** Always or never, whichever is better; never where they are even. */
export const bestConstant: FitRule = (topics, worth) => ({
  kind: meanOf(topics.map(({ gain }) => gain)) > worth + tolerance ? 'always' : 'never',
});

const tolerance = 1e-12;

/**
 * The threshold on a single fact by which the topics' total worth is greatest: reason on the side where the mean gain is
 * above `worth`. Thresholds lie between neighbouring values, with at least a tenth of the topics on either side. What
 * is no better than the best constant is that constant; ties go to the fact that is named first, then the lower threshold.
 */
export const bestThreshold: FitRule = (topics, worth) => {
  let best: GateRule = bestConstant(topics, worth);
  const total = topics.reduce((sum, { gain }) => sum + gain - worth, 0);
  let bestTotal = best.kind === 'always' ? total : 0;
  const least = Math.max(1, Math.ceil(leastSide * topics.length));
  for (const fact of factNames) {
    const sorted = topics.toSorted((a, b) => a.facts[fact] - b.facts[fact]);
    let below = 0;
    for (let count = 1; count <= sorted.length - least; count++) {
      below += sorted[count - 1].gain - worth;
      const [low, high] = [sorted[count - 1].facts[fact], sorted[count].facts[fact]];
      if (count < least || low === high) continue;
      for (const reasons of ['below', 'from'] as const) {
        const side = reasons === 'below' ? below : total - below;
        if (side <= bestTotal + tolerance * topics.length) continue;
        bestTotal = side;
        best = { kind: 'threshold', fact, reasons, threshold: between(low, high) };
      }
    }
  }
  return best;
};

/** The roundest number above `low` and at most `high`, from the middle outwards in digits. */
function between(low: number, high: number): number {
  const middle = low + (high - low) / 2;
  for (let digits = 1; digits <= 15; digits++) {
    const rounded = Number(middle.toPrecision(digits));
    if (rounded > low && rounded <= high) return rounded;
  }
  return high;
}

/**
 * The linear model of the gain on all facts that vary, standardised, by ridge regression (Hoerl and Kennard, Technometrics
 * 12(1), 1970): it minimises `Σ (gain - intercept - Σ weight·z)² + 0.3·n·Σ weight²`.
 */
export const bestLinear: FitRule = (topics, worth) => {
  const scales = factNames.flatMap((fact): Omit<LinearFact, 'weight'>[] => {
    const values = topics.map((topic) => topic.facts[fact]);
    const deviation = standardDeviation(values);
    return deviation > 0 ? [{ fact, mean: meanOf(values), deviation }] : [];
  });
  const columns = scales.map(({ fact, ...scale }) => {
    const column = topics.map((topic) => standardised(topic.facts[fact], scale));
    const mean = meanOf(column);
    return { mean, values: column.map((value) => value - mean) };
  });
  const intercept = meanOf(topics.map(({ gain }) => gain));
  const matrix = columns.map((a, i) =>
    columns.map((b, j) => dot(a.values, b.values) / topics.length + (i === j ? penalty : 0)),
  );
  const right = columns.map(
    ({ values }) =>
      values.reduce((sum, value, i) => sum + value * (topics[i].gain - intercept), 0) / topics.length,
  );
  const weights = solved(matrix, right);
  const rule: LinearRule = {
    kind: 'linear',
    worth,
    // Holding values within bounds moves their mean.
    intercept: intercept - weights.reduce((sum, weight, i) => sum + weight * columns[i].mean, 0),
    facts: scales.map((scale, i) => ({ ...scale, weight: weights[i] })),
  };
  return scales.length === 0 ? bestConstant(topics, worth) : rule;
};

/** The solution of a symmetric positive definite system, by Cholesky's decomposition. */
function solved(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const n = right.length;
  const lower = matrix.map(() => Array.from(matrix, () => 0));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i][j];
      for (let k = 0; k < j; k++) rest -= lower[i][k] * lower[j][k];
      lower[i][j] = i === j ? Math.sqrt(rest) : rest / lower[j][j];
    }
  }
  const forward = [...right];
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) forward[i] -= lower[i][k] * forward[k];
    forward[i] /= lower[i][i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) forward[i] -= lower[k][i] * forward[k];
    forward[i] /= lower[i][i];
  }
  return forward;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}
