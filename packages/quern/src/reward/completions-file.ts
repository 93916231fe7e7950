import { readJsonl, type PlacedRecord } from '../collections/jsonl.ts';
import { idListField, idText, kindOf, textField } from '../collections/record-fields.ts';
import { QuernError } from '../errors.ts';

/** A completion of a file. */
export interface RecordedCompletion {
  readonly query: string;
  readonly completion: string;
  /** The id of its question in a collection. */
  readonly topic?: string;
  readonly positives?: readonly string[];
  readonly positiveIds?: readonly string[];
  readonly completionTokens?: number;
  readonly truncated?: boolean;
  /** `file:line`. */
  readonly where: string;
}

/**
 * The completions of a JSONL file: `query` and `completion` in each line, and `id` (of the question), `positives` (texts),
 * `positiveIds`, `completionTokens` and `truncated` where they are known; other fields are not looked at. Throws `BAD_INPUT` at
 * `file:line` and what reading the file throws.
 */
export async function readCompletions(path: string): Promise<RecordedCompletion[]> {
  const completions: RecordedCompletion[] = [];
  for await (const placed of readJsonl(path)) {
    const { record, where } = placed;
    const { id, completionTokens, truncated } = record;
    if (
      completionTokens !== undefined &&
      !(Number.isSafeInteger(completionTokens) && Number(completionTokens) >= 0)
    ) {
      throw new QuernError('BAD_INPUT', 'completionTokens is no whole number of 0 or more', { where });
    }
    if (truncated !== undefined && typeof truncated !== 'boolean') {
      throw new QuernError('BAD_INPUT', `truncated is ${kindOf(truncated)}, not true or false`, { where });
    }
    completions.push({
      query: required(placed, 'query'),
      completion: required(placed, 'completion'),
      topic: id === undefined ? undefined : idText(id, 'id', where),
      positives: record['positives'] === undefined ? undefined : textsField(placed, 'positives'),
      positiveIds: record['positiveIds'] === undefined ? undefined : idListField(placed, 'positiveIds'),
      completionTokens: completionTokens as number | undefined,
      truncated,
      where,
    });
  }
  return completions;
}

function required(placed: PlacedRecord, field: string): string {
  const text = textField(placed, field);
  if (text !== undefined) return text;
  throw new QuernError('BAD_INPUT', `${field} is missing`, {
    where: placed.where,
    hint: 'Each line is {"query": …, "completion": …}',
  });
}

function textsField({ record, where }: PlacedRecord, field: string): string[] {
  const value = record[field];
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw new QuernError('BAD_INPUT', `${field} is no list of strings`, { where });
}
