import type { EvaluationRecord, SeveralRecord } from '../evaluate/evaluation-record.ts';
import { formatMeasure, type Measure } from '../evaluate/measures.ts';
import { queries as queriesText } from '../evaluate/report-words.ts';
import { oneLine } from '../one-line.ts';
import type { ReasoningTotals } from '../reason/reasoning-totals.ts';
import { durationText, table } from './output.ts';
import { severalText } from './several-text.ts';
import { trafficText } from './traffic-text.ts';

/** What is printed of evaluations, each with its means. */
export function recordTable(
  records: readonly (EvaluationRecord | SeveralRecord)[],
  measures: readonly Measure[],
): string {
  return records
    .map((record) => {
      if ('runs' in record) {
        const { traffic } = record;
        return severalText(record, measures) + (traffic ? `\n\n${trafficText(traffic)}` : '');
      }
      const { collection, queries, retriever, reasoner, combine, milliseconds } = record;
      const { index, reason, search, total } = milliseconds;
      const head =
        `${collection}: ${queriesText(queries)}, ${oneLine(retriever)}, reasoner ${oneLine(reasoner)}, ${combine}\n` +
        `  index ${durationText(index)}, reasoning ${durationText(reason)}${reason > total ? ' (of topics at the same time, summed)' : ''}, search ${durationText(search)}` +
        ` (${(search / queries).toFixed(2)} ms a query)` +
        reasoningText(record.reasoning);
      const rows = measures.map((measure) => [
        `  ${measure.name}`,
        formatMeasure(measure, record.measures[measure.name]),
      ]);
      return `${head}\n${table(rows)}`;
    })
    .join('\n');
}

/** What reasoning came to, on a line of its own; nothing where no language model was asked and nothing failed. */
function reasoningText(totals: ReasoningTotals): string {
  const { failed, cached, cut, early, skipped, uncounted, completionTokens, cost } = totals;
  const parts = [
    ...(completionTokens > 0 ? [`${completionTokens} tokens written`] : []),
    ...(cut > 0 ? [`${cut} cut at the most tokens`] : []),
    ...(early > 0 ? [`${early} ended early`] : []),
    ...(skipped > 0 ? [`${skipped} not asked for, by the gate`] : []),
    ...(uncounted > 0 ? [`${uncounted} of which the server did not say what they took`] : []),
    ...(cached > 0 ? [`${cached} recorded before`] : []),
    ...(failed > 0 ? [`${failed} FAILED`] : []),
    ...cost.map(({ amount, currency }) => `${amount.toFixed(4)} ${currency}`),
  ];
  return parts.length === 0 ? '' : `\n  reasoning: ${parts.join(', ')}`;
}
