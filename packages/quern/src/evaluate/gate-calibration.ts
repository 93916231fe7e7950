import { ruleReasons, type GateRule } from '../search/gate-rule.ts';
import { bestMean, foldsOf, trainingTopics, type FoldSettings } from './cross-validation.ts';
import { gateEvidence, type GateEvidence } from './gate-evidence.ts';
import { bestConstant, bestLinear, bestThreshold, type FitRule, type GateTopic } from './gate-fitting.ts';

/** How a gate is calibrated. */
export interface GateSettings extends FoldSettings {
  /** The least gain in the measure that a call must bring to be worth its cost. Default 0. */
  readonly worth?: number;
}

/** A topic with its facts and its value of the measure without reasoning. */
export interface PlainTopic extends Omit<GateTopic, 'gain'> {
  readonly plain: number;
}

/** A calibrated rule, and what rules calibrated in the same way brought on topics that they had not seen. */
export interface GateCalibration {
  readonly rule: GateRule;
  readonly evidence: GateEvidence;
  /** Whether the rule that was calibrated without a topic reasons about it, in the order of the topics. */
  readonly decisions: readonly boolean[];
  /** The rule of each fold. */
  readonly rules: readonly GateRule[];
}

const fewest = 10;

/** The forms of rules, the simplest first. */
const forms: readonly FitRule[] = [bestConstant, bestThreshold, bestLinear];

/**
 * The rule for topics whose gains are known: of the form (always or never; a threshold on one fact; a linear model of all)
 * whose rules, by cross-validation within these topics, bring most on topics that they have not seen; ties go to
 * the simpler form, and one that decides the same for all of them is always or never. Of fewer than ten topics nothing more is
 * learnt than these.
 * Throws as `foldsOf` does.
 */
export function calibratedRule(
  topics: readonly GateTopic[],
  { worth = 0, ...folds }: GateSettings = {},
): GateRule {
  if (topics.length < fewest) return bestConstant(topics, worth);
  const ids = topics.map(({ id }) => id);
  const dealt = foldsOf(ids, folds);
  const candidates = forms.map((fit, i) => {
    const values = Array.from(ids, () => 0);
    for (const fold of dealt) {
      const rule = fit(at(topics, trainingTopics(ids, fold)), worth);
      for (const topic of fold) {
        const { facts, gain } = topics[topic];
        values[topic] = ruleReasons(rule, facts) ? gain - worth : 0;
      }
    }
    return { name: String(i), values };
  });
  const all = trainingTopics(ids, []);
  const rule = forms[bestMean(candidates, all)](at(topics, all), worth);
  const reasoned = topics.filter(({ facts }) => ruleReasons(rule, facts)).length;
  if (reasoned === topics.length) return { kind: 'always' };
  return reasoned === 0 ? { kind: 'never' } : rule;
}

/**
 * Calibrates a gate and measures, by an outer cross-validation, what its way of being calibrated is worth. `reasoned` are
 * the topics' values with reasoning. Where these were themselves chosen on other folds, `reasonedIn` gives the values that
 * count within a fold, for its training and for its own topics, so that choosing is measured along with calibrating.
 */
export function gateCalibration(
  topics: readonly PlainTopic[],
  reasoned: readonly number[],
  settings: GateSettings = {},
  reasonedIn: (fold: number) => readonly number[] = () => reasoned,
): GateCalibration {
  const ids = topics.map(({ id }) => id);
  const withGains = (values: readonly number[]): GateTopic[] =>
    topics.map(({ id, facts, plain }, i) => ({ id, facts, gain: values[i] - plain }));
  const decisions = Array.from(ids, () => false);
  const held = Array.from(ids, () => 0);
  const folds = foldsOf(ids, settings);
  const rules = folds.map((fold, number) => {
    const values = reasonedIn(number);
    const rule = calibratedRule(at(withGains(values), trainingTopics(ids, fold)), settings);
    for (const topic of fold) {
      decisions[topic] = ruleReasons(rule, topics[topic].facts);
      held[topic] = values[topic];
    }
    return rule;
  });
  const plain = topics.map((topic) => topic.plain);
  return {
    rule: calibratedRule(withGains(reasoned), settings),
    evidence: gateEvidence(decisions, plain, held, { ...settings, folds }),
    decisions,
    rules,
  };
}

function at<T>(all: readonly T[], places: readonly number[]): T[] {
  return places.map((place) => all[place]);
}
