import { QuernError } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import { excerpt, type PlacedRecord } from './jsonl.ts';
import { recordId, textField } from './record-fields.ts';
import type { Topic } from './records.ts';

/** A topic with the place it was read from. */
export interface PlacedTopic {
  readonly where: string;
  readonly topic: Topic;
}

/**
 * The topics of a collection, in order. A topic without text is counted as a warning and kept. Throws `BAD_INPUT` where
 * an id comes twice.
 */
export async function collectTopics(
  topics: AsyncIterable<PlacedTopic>,
  warnings?: Warnings,
): Promise<Topic[]> {
  const collected: Topic[] = [];
  const places = new Map<string, string>();
  for await (const { where, topic } of topics) {
    const first = places.get(topic.id);
    if (first !== undefined) {
      const what = `the topic ${excerpt(topic.id)} was already given at ${first}`;
      throw new QuernError('BAD_INPUT', what, { where });
    }
    places.set(topic.id, where);
    if (topic.text.trim() === '') warnings?.add('empty topic', where);
    collected.push(topic);
  }
  return collected;
}

/**
 * The topics in records that hold an id (`_id`, `id` or `docid`) and a `text`, in order, with nothing excluded. Throws
 * `BAD_INPUT` for malformed records and as {@link collectTopics} does.
 */
export function recordTopics(records: AsyncIterable<PlacedRecord>, warnings?: Warnings): Promise<Topic[]> {
  return collectTopics(placedTopics(records), warnings);
}

/** The topics in records, one by one, with nothing excluded. Throws `BAD_INPUT` for malformed records. */
export async function* placedTopics(records: AsyncIterable<PlacedRecord>): AsyncGenerator<PlacedTopic> {
  for await (const placed of records) {
    const { where } = placed;
    const { id } = recordId(placed);
    const text = textField(placed, 'text');
    if (text === undefined) throw new QuernError('BAD_INPUT', 'the query has no text', { where });
    yield { where, topic: { id, text, excluded: [] } };
  }
}
