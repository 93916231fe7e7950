import type { Warnings } from '../warnings.ts';
import { readGateRecord, type GateRecord } from './gate-file.ts';
import { gainShares, ruleFacts, ruleReason, ruleReasons } from './gate-rule.ts';
import type { Gate } from './gate.ts';
import { lexicalPartOf } from './lexical-part.ts';
import { queryFacts } from './query-facts.ts';
import type { Retriever } from './retriever.ts';

/** A gate with the record that it is made from. */
export interface CalibratedGate extends Gate {
  readonly record: GateRecord;
}

/** An index whose statistics are further from those of the calibration than this share is another one. */
const tolerated = 0.1;

/**
 * The gate in a file that `quern tune` wrote; see {@link gateOf}. Throws as `readGateRecord` does.
 */
export async function openGate(path: string, warnings?: Warnings): Promise<CalibratedGate> {
  return gateOf(await readGateRecord(path), path, warnings);
}

/**
 * The gate of a record; `where` names it in warnings. Its decisions throw as `queryFacts` does. A threshold holds for the
 * scoring and the corpus that it was found with; on others the gate decides all the same, and what differs is counted among
 * `warnings`, once: who calibrates on a sample of a growing corpus must be able to use the gate.
 */
export function gateOf(record: GateRecord, where: string, warnings?: Warnings): CalibratedGate {
  const { rule } = record;
  const names = ruleFacts(rule);
  const compared = new WeakSet<Retriever>();
  return {
    record,
    async decide(query, retriever, options) {
      if (!compared.has(retriever)) {
        compared.add(retriever);
        for (const said of retrieverDifferences(record, retriever)) {
          warnings?.add(differenceText(said), where);
        }
      }
      const facts = await queryFacts(query, retriever, names, options);
      return {
        reasons: ruleReasons(rule, facts),
        why: ruleReason(rule, facts),
        facts,
        ...(rule.kind === 'linear' && { shares: gainShares(rule, facts) }),
      };
    },
  };
}

/** What a warning says of a difference. */
export function differenceText(difference: string): string {
  return `${difference}; it decides all the same, and quern tune calibrates another`;
}

/** In what the searches that a gate was calibrated with differ from those of a retriever, a sentence each. */
export function retrieverDifferences({ rule, calibration }: GateRecord, retriever: Retriever): string[] {
  const { scoring, parameters, index } = calibration;
  const said: string[] = [];
  if (retriever.id !== scoring) said.push(`the gate was calibrated with ${scoring}, not ${retriever.id}`);
  const lexical = lexicalPartOf(retriever);
  if (!lexical || ruleFacts(rule).length === 0) return said;
  const { k1, b } = lexical.parameters;
  if (k1 !== parameters.k1 || b !== parameters.b) {
    said.push(`the gate was calibrated with k1 ${parameters.k1} and b ${parameters.b}, not ${k1} and ${b}`);
  }
  const { analyzer, statistics } = lexical.index;
  if (analyzer !== index.analyzer) {
    said.push(`the gate was calibrated on an index of the analyzer ${index.analyzer}, not ${analyzer}`);
  }
  if (isFar(statistics.documentsWithTerms, index.documentsWithTerms)) {
    const [then, now] = [index.documentsWithTerms, statistics.documentsWithTerms];
    said.push(`the gate was calibrated on an index of ${then} documents, and this has ${now}`);
  }
  if (isFar(statistics.averageLength, index.averageLength)) {
    const [then, now] = [index.averageLength, statistics.averageLength].map((length) => length.toFixed(0));
    said.push(`the gate was calibrated on documents of ${then} tokens on average, and these have ${now}`);
  }
  return said;
}

function isFar(now: number, then: number): boolean {
  return Math.abs(now - then) > tolerated * then;
}

/** In what the reasoning that a gate was calibrated for differs from another, a sentence each. */
export function reasoningDifferences(
  { calibration }: GateRecord,
  { reasoner, combine }: { readonly reasoner: string; readonly combine: string },
): string[] {
  return [
    ...(reasoner === calibration.reasoner
      ? []
      : [`the gate was calibrated for the reasoner ${calibration.reasoner}, not ${reasoner}`]),
    ...(combine === calibration.combine
      ? []
      : [`the gate was calibrated for the combination ${calibration.combine}, not ${combine}`]),
  ];
}
