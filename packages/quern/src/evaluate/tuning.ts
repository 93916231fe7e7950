import { QuernError } from '../errors.ts';
import { gateCalibration, type GateCalibration, type GateSettings } from './gate-calibration.ts';
import { tunedCombination, type CombinationTuning } from './tuning-combination.ts';
import type { TuningMeasurements } from './tuning-measurements.ts';

/** What is best for a reasoner on a collection. */
export interface Tuning {
  readonly combination: CombinationTuning;
  /** The gate for that combination. */
  readonly gate: GateCalibration;
}

const fewestTopics = 10;

/**
 * Chooses how questions and their reasoned queries are combined, and calibrates the gate for that combination. What both bring
 * is measured by cross-validation over the same folds: within a fold, the gate is calibrated for the combination that was
 * chosen there, so that no topic has a say in either.
 *
 * Throws `BAD_INPUT` for fewer than ten topics, and as `crossValidated` does.
 */
export function tuned(
  { topics, candidates }: Pick<TuningMeasurements, 'topics' | 'candidates'>,
  settings: GateSettings = {},
): Tuning {
  if (topics.length < fewestTopics) {
    throw new QuernError('BAD_INPUT', `too few topics with judgements to tune on: ${topics.length}`, {
      hint: `Tuning needs ${fewestTopics} at the least, and says little for fewer than a hundred`,
    });
  }
  const { folds, seed } = settings;
  const combination = tunedCombination({
    topics: topics.map(({ id }) => id),
    plain: topics.map(({ plain }) => plain),
    candidates,
    folds,
    seed,
  });
  const gate = gateCalibration(
    topics,
    candidates[combination.place].values,
    settings,
    (fold) => candidates[combination.crossValidation.folds[fold].chosen].values,
  );
  return { combination, gate };
}
