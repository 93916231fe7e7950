import type { GateRecord } from '../src/search/gate-file.ts';
import type { GateRule } from '../src/search/gate-rule.ts';
import { factSettings } from '../src/search/query-facts.ts';

/** The record of a gate with a rule, as if calibrated with `bm25` on an index of 60 short documents. */
export function gateRecordOf(
  rule: GateRule,
  calibration: Partial<GateRecord['calibration']> = {},
): GateRecord {
  const difference = { mean: 0.01, interval: { low: -0.01, high: 0.03 }, p: 0.2 };
  return {
    format: 'quern gate',
    version: 1,
    rule,
    facts: factSettings,
    calibration: {
      collection: 'beir:woods',
      split: 'train',
      topics: 40,
      index: { analyzer: 'whitespace', documents: 60, documentsWithTerms: 60, averageLength: 6.5 },
      scoring: 'bm25',
      parameters: { k1: 0.9, b: 0.4 },
      reasoner: 'rm3',
      combine: 'replace',
      measure: 'ndcg@10',
      worth: 0,
      folds: 5,
      seed: 1,
      ...calibration,
    },
    evidence: {
      gated: 0.5,
      interval: null,
      share: 0.5,
      never: 0.45,
      always: 0.48,
      oracle: 0.6,
      oracleShare: 0.4,
      sameCost: 0.465,
      reasoned: { gain: 10, even: 5, lose: 5 },
      aside: { gain: 5, even: 5, lose: 10 },
      differences: { sameCost: difference, always: difference, never: difference },
    },
  };
}
