import type { NamedEvaluation } from '../evaluate/evaluate-named.ts';
import type { Measure } from '../evaluate/measures.ts';
import { buildReport } from '../evaluate/report.ts';
import { reportHtml } from '../evaluate/report-html.ts';
import type { TrafficReport } from '../evaluate/traffic.ts';
import { writeLines } from '../whole-file.ts';

/**
 * Writes the report of runs over one collection, the first run being what the others are compared with. `words` stand
 * in for the title and the collection's name.
 */
export async function writeReport(
  path: string,
  { collection, evaluations, index, retriever, scoring, k }: NamedEvaluation,
  measures: readonly Measure[],
  words: { readonly title?: string; readonly collection?: string } = {},
  traffic?: TrafficReport,
): Promise<void> {
  const [baseline, ...others] = evaluations;
  const report = await buildReport({
    collection: collection.name,
    ...words,
    qrels: collection.qrels,
    measures,
    baseline,
    others,
    retriever,
    scoring: retriever.id === scoring ? scoring : retriever.id,
    k,
    traffic,
    document: index.hasStore ? (id) => index.document(id) : undefined,
  });
  await writeLines(path, [reportHtml(report)]);
}
