import { QuernError } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import type { PlacedRecord } from './jsonl.ts';
import type { JudgedTopics } from './judgements.ts';
import { idListField, recordId, textField } from './record-fields.ts';
import { collectTopics, type PlacedTopic } from './topics.ts';

/** What BRIGHT writes into a list of ids that is empty. */
const NO_ID = 'N/A';

/**
 * The topics in records of BRIGHT's form: `id`, `query`, `excluded_ids`, and the gold documents in the list `goldField`,
 * which are judged 1. Throws `BAD_INPUT` for malformed records and an id that comes twice.
 */
export async function brightTopics(
  records: AsyncIterable<PlacedRecord>,
  goldField: string,
  warnings?: Warnings,
): Promise<JudgedTopics> {
  const qrels = new Map<string, ReadonlyMap<string, number>>();
  const topics = await collectTopics(placedTopics(records, goldField, qrels), warnings);
  return { topics, qrels };
}

async function* placedTopics(
  records: AsyncIterable<PlacedRecord>,
  goldField: string,
  qrels: Map<string, ReadonlyMap<string, number>>,
): AsyncGenerator<PlacedTopic> {
  for await (const placed of records) {
    const { where } = placed;
    const { id } = recordId(placed);
    const text = textField(placed, 'query');
    if (text === undefined) throw new QuernError('BAD_INPUT', 'the topic has no query', { where });
    qrels.set(id, new Map(realIds(placed, goldField).map((gold) => [gold, 1])));
    yield { where, topic: { id, text, excluded: realIds(placed, 'excluded_ids') } };
  }
}

/** The ids in a list that may be written as missing (an empty list in Parquet) or as `["N/A"]`. */
function realIds(placed: PlacedRecord, field: string): string[] {
  const value = placed.record[field];
  if (value === undefined || value === null) return [];
  return idListField(placed, field).filter((id) => id !== NO_ID);
}
