import { QuernError } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import { excerpt } from './jsonl.ts';
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
