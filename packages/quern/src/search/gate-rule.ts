import { factNames, type FactName } from './query-facts.ts';

/** When a gate lets a query be reasoned about. */
export type GateRule = { readonly kind: 'always' | 'never' } | ThresholdRule | LinearRule;

/** One fact against a threshold. */
export interface ThresholdRule {
  readonly kind: 'threshold';
  readonly fact: FactName;
  /** Reason where the fact is less than the threshold (`below`), or where it is not (`from`). */
  readonly reasons: 'below' | 'from';
  readonly threshold: number;
}

/** The gain that facts together foretell, against what a call must bring. */
export interface LinearRule {
  readonly kind: 'linear';
  /** Reason where the foretold gain is greater than this. */
  readonly worth: number;
  readonly intercept: number;
  /** Each brings `weight` times its standardised value, `(value - mean) / deviation` held between -3 and 3. */
  readonly facts: readonly LinearFact[];
}

/** One fact of a {@link LinearRule}. */
export interface LinearFact {
  readonly fact: FactName;
  readonly mean: number;
  readonly deviation: number;
  readonly weight: number;
}

/** Values that are further from the mean than this many deviations say no more than those. */
const furthest = 3;

/** The names of the facts that a rule looks at, the cheapest first. */
export function ruleFacts(rule: GateRule): FactName[] {
  switch (rule.kind) {
    case 'threshold':
      return [rule.fact];
    case 'linear': {
      const used = new Set(rule.facts.map(({ fact }) => fact));
      return factNames.filter((name) => used.has(name));
    }
    default:
      return [];
  }
}

/** The facts that have the most say in a rule, three at most, the heaviest first. */
export function heaviestFacts(rule: GateRule): FactName[] {
  return rule.kind === 'linear' ? heaviest(rule).map(({ fact }) => fact) : ruleFacts(rule);
}

function heaviest({ facts }: LinearRule): LinearFact[] {
  return facts.toSorted((a, b) => Math.abs(b.weight) - Math.abs(a.weight)).slice(0, 3);
}

/** A fact's value as a linear rule takes it. */
export function standardised(
  value: number,
  { mean, deviation }: Omit<LinearFact, 'fact' | 'weight'>,
): number {
  return Math.max(-furthest, Math.min(furthest, (value - mean) / deviation));
}

/** The gain that a linear rule foretells. */
export function foretoldGain(rule: LinearRule, facts: Readonly<Record<string, number>>): number {
  return Object.values(gainShares(rule, facts)).reduce((sum, share) => sum + share, rule.intercept);
}

/** What each fact adds to the gain that a linear rule foretells; the intercept is what all queries have in common. */
export function gainShares(
  rule: LinearRule,
  facts: Readonly<Record<string, number>>,
): Record<string, number> {
  const shares: Partial<Record<FactName, number>> = {};
  // A rule can have a fact twice, on two scales.
  for (const { fact, weight, ...scale } of rule.facts) {
    shares[fact] = (shares[fact] ?? 0) + weight * standardised(facts[fact], scale);
  }
  return shares as Record<string, number>;
}

/** Whether a query with these facts is to be reasoned about. */
export function ruleReasons(rule: GateRule, facts: Readonly<Record<string, number>>): boolean {
  switch (rule.kind) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'threshold':
      return facts[rule.fact] < rule.threshold === (rule.reasons === 'below');
    case 'linear':
      return foretoldGain(rule, facts) > rule.worth;
  }
}

/** A rule in words: `reason where nqc < 0.21`; of a linear one, the three facts of most weight. */
export function ruleText(rule: GateRule): string {
  switch (rule.kind) {
    case 'always':
      return 'always reason';
    case 'never':
      return 'never reason';
    case 'threshold':
      return `reason where ${rule.fact} ${rule.reasons === 'below' ? '<' : '≥'} ${shortNumber(rule.threshold)}`;
    case 'linear': {
      const names = heaviest(rule).map(({ fact, weight }) => `${weight < 0 ? 'low' : 'high'} ${fact}`);
      const facts = `${rule.facts.length} facts (most of all ${names.join(', ')})`;
      return `reason where ${facts} foretell a gain above ${shortNumber(rule.worth)}`;
    }
  }
}

/** Why a rule decides as it does for a query with these facts: `nqc is 0.183, below 0.21`. */
export function ruleReason(rule: GateRule, facts: Readonly<Record<string, number>>): string {
  switch (rule.kind) {
    case 'always':
      return 'reasoning gained, on average, on the topics that the gate was calibrated on';
    case 'never':
      return 'reasoning was not worth it on the topics that the gate was calibrated on';
    case 'threshold': {
      const value = facts[rule.fact];
      const side = value < rule.threshold ? 'below' : 'not below';
      return `${rule.fact} is ${shortNumber(value)}, ${side} ${shortNumber(rule.threshold)}`;
    }
    case 'linear': {
      const gain = foretoldGain(rule, facts);
      const side = gain > rule.worth ? 'above' : 'not above';
      return `the foretold gain is ${shortNumber(gain)}, ${side} ${shortNumber(rule.worth)}`;
    }
  }
}

/** A number to four significant digits, for a reader. */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(4))).replace(/^-/, '−');
}
