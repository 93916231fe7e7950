import { csvText, type CsvCell } from '../../parts/csv-text.ts';
import type { ResultsTable } from './results-table.ts';
import type { System } from './systems.ts';
import type { TopicValues } from './topic-values.ts';

/** A table as CSV: the values as they are, not rounded, and the adjusted p beside each. */
export function tableCsv({ columns, rows, meanOver }: ResultsTable, measure: string): string {
  const head = [
    'system',
    ...columns.flatMap(({ key }) => [`${measure} ${key}`, `topics ${key}`, `p adjusted ${key}`]),
    ...(meanOver.length > 0 ? [`${measure} mean over ${meanOver.length} collections`] : []),
  ];
  const body = rows.map(({ system, cells, mean }) => [
    system.key,
    ...cells.flatMap(({ value, run, pair }): CsvCell[] => [
      value,
      run?.queries,
      pair?.adjusted.randomisation,
    ]),
    ...(mean ? [mean.value] : []),
  ]);
  return csvText([head, ...body]);
}

/** What was measured of the topics of one column. */
export interface MeasuredColumn {
  readonly collection: string;
  /** By system, in their order; undefined where it has no run. */
  readonly values: readonly (TopicValues | undefined)[];
}

/** The values of every topic as CSV: a row a topic, a column a system. */
export function topicsCsv(
  systems: readonly System[],
  columns: readonly MeasuredColumn[],
  measure: string,
): string {
  const head = ['collection', 'topic', ...systems.map(({ key }) => `${measure} ${key}`)];
  const body = columns.flatMap(({ collection, values }) => {
    const places = values.map((of) => of && new Map(of.ids.map((id, i) => [id, i])));
    const ids = [...new Set(values.flatMap((of) => of?.ids ?? []))];
    return ids.map((id): CsvCell[] => [
      collection,
      id,
      ...values.map((of, i) => {
        const place = places[i]?.get(id);
        return place === undefined ? undefined : of?.values.get(measure)?.[place];
      }),
    ]);
  });
  return csvText([head, ...body]);
}
