import { factNames, type FactName } from '../src/search/query-facts.ts';
import type { PlainTopic } from '../src/evaluate/gate-calibration.ts';

/** A topic that a gate can be calibrated on: facts that are not given are 0. */
export function gateTopic(
  id: string,
  facts: Partial<Record<FactName, number>> = {},
  plain = 0.5,
): PlainTopic {
  const all = Object.fromEntries(factNames.map((name) => [name, facts[name] ?? 0]));
  return { id, facts: all as Record<FactName, number>, plain };
}
