import { QuernError } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import { excerpt, type PlacedRecord } from './jsonl.ts';
import { idText, kindOf } from './record-fields.ts';
import type { Qrels, Topic } from './records.ts';

/** The topics of a collection and their judgements. */
export interface JudgedTopics {
  readonly topics: Topic[];
  readonly qrels: Qrels;
}

/** How relevant a document is to a topic. */
export interface Judgement {
  readonly topic: string;
  readonly document: string;
  readonly level: number;
}

/**
 * Adds a judgement read at `where` to `qrels`. One that is repeated is counted as a warning. Throws `BAD_INPUT` where
 * the document was judged with another level before.
 */
export function addJudgement(
  qrels: Map<string, Map<string, number>>,
  judgement: Judgement,
  where: string,
  warnings?: Warnings,
): void {
  const { topic, document, level } = judgement;
  const levels = qrels.get(topic) ?? new Map<string, number>();
  qrels.set(topic, levels);
  const earlier = levels.get(document);
  if (earlier !== undefined && earlier !== level) {
    const what = `${excerpt(document)} is judged ${level} here and ${earlier} before for ${excerpt(topic)}`;
    throw new QuernError('BAD_INPUT', what, { where });
  }
  if (earlier !== undefined) warnings?.add('judgement repeated', where);
  levels.set(document, level);
}

/** `value` as a level of relevance, an integer or the text of one. Throws `BAD_INPUT` otherwise. */
export function relevanceLevel(value: unknown, where: string): number {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  const isText = typeof value === 'string' && /^\s*[-+]?\d+\s*$/.test(value);
  const level = isNumber || isText ? Number(value) : undefined;
  if (level !== undefined && Number.isSafeInteger(level)) return level;
  const shown = typeof value === 'string' ? excerpt(value) : isNumber ? String(value) : `(${kindOf(value)})`;
  throw new QuernError('BAD_INPUT', `the score ${shown} is not an integer`, { where });
}

/** The names that the fields of a judgement have: in BEIR's data sets, and in R2MED's. */
const FIELDS = [
  { topic: 'query-id', document: 'corpus-id' },
  { topic: 'q_id', document: 'p_id' },
] as const;

/** All fields that {@link recordJudgements} looks at. */
export const JUDGEMENT_FIELDS: readonly string[] = [
  ...FIELDS.flatMap(({ topic, document }) => [topic, document]),
  'score',
];

/**
 * The judgements in records: topic in `query-id` and document in `corpus-id`, or `q_id` and `p_id`, and the level in
 * `score`. Throws `BAD_INPUT` for malformed records and for contradicting levels.
 */
export async function recordJudgements(
  records: AsyncIterable<PlacedRecord>,
  warnings?: Warnings,
): Promise<Qrels> {
  const qrels = new Map<string, Map<string, number>>();
  for await (const { record, where } of records) {
    const fields = FIELDS.find(({ topic }) => record[topic] !== undefined) ?? FIELDS[0];
    const topic = idText(record[fields.topic], fields.topic, where);
    const document = idText(record[fields.document], fields.document, where);
    const level = relevanceLevel(record['score'], where);
    addJudgement(qrels, { topic, document, level }, where, warnings);
  }
  return qrels;
}

/**
 * The topics that have judgements, in their order. Judgements (read from `file`) of a topic that is not among `topics`
 * are counted as a warning and left out.
 */
export function judgedTopics(
  topics: readonly Topic[],
  qrels: Qrels,
  file: string,
  warnings?: Warnings,
): JudgedTopics {
  const judged = topics.filter(({ id }) => qrels.has(id));
  const known = new Set(judged.map(({ id }) => id));
  for (const id of qrels.keys()) {
    if (known.has(id)) continue;
    warnings?.add('judged topic that is not among the queries, left out', `${file}, topic ${id}`);
  }
  return { topics: judged, qrels: new Map([...qrels].filter(([id]) => known.has(id))) };
}
