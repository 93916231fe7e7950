import { writeFileSync } from 'node:fs';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';

const text = (name: string): SchemaElement => ({
  name,
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  repetition_type: 'OPTIONAL',
});
const number = (name: string): SchemaElement => ({ name, type: 'INT64', repetition_type: 'OPTIONAL' });
const list = (name: string): SchemaElement[] => [
  { name, num_children: 1, converted_type: 'LIST', repetition_type: 'OPTIONAL' },
  { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
];

/** The columns of `HuggingFaceH4/stack-exchange-preferences`, as its files have them. */
export const preferencesSchema: readonly (readonly SchemaElement[])[] = [
  [number('qid')],
  [text('question')],
  [
    ...list('answers'),
    { name: 'element', num_children: 7, repetition_type: 'OPTIONAL' },
    number('answer_id'),
    text('author'),
    number('author_id'),
    text('author_profile'),
    number('pm_score'),
    { name: 'selected', type: 'BOOLEAN', repetition_type: 'OPTIONAL' },
    text('text'),
  ],
  [text('date')],
  [...list('metadata'), text('element')],
];

/** A row of the preferences data. */
export interface PreferencesRow {
  readonly qid: bigint | null;
  readonly question: string | Uint8Array | null;
  readonly answers: readonly Readonly<Record<string, unknown>>[] | null;
  readonly date: string | null;
  readonly metadata: readonly string[] | null;
}

/** A row about a question of a host, with answers of these scores, the first of which is selected. */
export function preferencesRow(
  id: number,
  { host, question, scores = [3, 1] }: { host: string; question: string; scores?: readonly number[] },
): PreferencesRow {
  return {
    qid: BigInt(id),
    question,
    answers: scores.map((score, i) => ({
      answer_id: BigInt(1000 * id + i),
      author: `author ${i}`,
      author_id: BigInt(i),
      author_profile: `https://${host}/users/${i}`,
      pm_score: BigInt(score),
      selected: i === 0,
      text: `<p>Answer ${i} to question ${id}, long enough to be taken for one.</p>`,
    })),
    date: '2015/01/27',
    metadata: [`https://${host}/questions/${id}`, `https://${host}`, `https://${host}/users/${id}`],
  };
}

/** Writes a Parquet file of such rows; `without` columns, or with another schema for some. */
export function writePreferencesFile(
  path: string,
  rows: readonly PreferencesRow[],
  {
    without = [],
    schema = {},
    rowGroupSize = 2,
  }: {
    without?: readonly string[];
    schema?: Readonly<Record<string, readonly SchemaElement[]>>;
    rowGroupSize?: number;
  } = {},
): void {
  const columns = preferencesSchema.filter(([{ name }]) => !without.includes(name));
  const buffer = parquetWriteBuffer({
    columnData: columns.map(([{ name }]) => ({
      name,
      data: rows.map((row) => row[name as keyof PreferencesRow]),
    })),
    schema: [
      { name: 'schema', num_children: columns.length },
      ...columns.flatMap((elements) => schema[elements[0].name] ?? elements),
    ],
    rowGroupSize,
    statistics: false,
  });
  writeFileSync(path, new Uint8Array(buffer));
}
