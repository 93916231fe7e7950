import { QuernError } from '../errors.ts';
import { readLines } from './lines.ts';
import type { Qrels } from './records.ts';
import { assertField, assertFirstField, fieldsOf } from './trec-lines.ts';
import { writeLines } from '../whole-file.ts';

/**
 * The judgements of a TREC qrels file: lines `topic iteration document level`, separated by white space, plain or
 * `.gz`; the iteration is ignored, blank lines and comments (`#`) are skipped. Topics and documents keep the order of
 * the file. A level below 0 means: pooled, but not judged.
 *
 * Throws `BAD_INPUT` with file and line for any other line, and for a document that is judged twice.
 */
export async function readTrecQrels(path: string): Promise<Qrels> {
  const qrels = new Map<string, Map<string, number>>();
  for await (const { text: line, number } of readLines(path)) {
    const where = `${path}:${number}`;
    const read = qrelsLine(line, where);
    if (!read) continue;
    const { topic, document, level } = read;
    let judgements = qrels.get(topic);
    if (!judgements) qrels.set(topic, (judgements = new Map()));
    if (judgements.has(document)) {
      throw new QuernError('BAD_INPUT', `document ${document} is judged twice for topic ${topic}`, {
        where,
        hint: 'Keep one judgement of each document',
      });
    }
    judgements.set(document, level);
  }
  return qrels;
}

/** A line of qrels. */
export interface QrelsLine {
  readonly topic: string;
  readonly document: string;
  readonly level: number;
}

/** What a line of qrels says; undefined for a blank line or a comment. Throws `BAD_INPUT` at `where` for any other line. */
export function qrelsLine(line: string, where: string): QrelsLine | undefined {
  const fields = fieldsOf(line, where);
  if (!fields) return undefined;
  if (fields.length !== 4) {
    throw new QuernError('BAD_INPUT', `${fields.length} fields instead of 4`, {
      where,
      hint: 'A line of qrels reads: topic iteration document level',
    });
  }
  const [topic, , document, text] = fields as [string, string, string, string];
  const level = Number(text);
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(level)) {
    throw new QuernError('BAD_INPUT', `relevance level ${JSON.stringify(text)} is not an integer`, { where });
  }
  return { topic, document, level };
}

/**
 * Writes `qrels` as lines `topic 0 document level` (gzip when `path` ends in `.gz`). Throws `BAD_INPUT`, before anything
 * is written, for ids that cannot stand in such a file and for levels that are not integers.
 */
export async function writeTrecQrels(path: string, qrels: Qrels): Promise<void> {
  for (const [topic, judgements] of qrels) {
    assertFirstField(topic, 'topic id');
    for (const [document, level] of judgements) {
      assertField(document, 'document id');
      if (!Number.isSafeInteger(level)) {
        throw new QuernError(
          'BAD_INPUT',
          `relevance level ${level} of document ${document} is not an integer`,
        );
      }
    }
  }
  await writeLines(path, qrelsLines(qrels));
}

function* qrelsLines(qrels: Qrels): Generator<string> {
  for (const [topic, judgements] of qrels) {
    for (const [document, level] of judgements) yield `${topic} 0 ${document} ${level}`;
  }
}
