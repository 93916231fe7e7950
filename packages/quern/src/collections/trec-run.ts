import { basename } from 'node:path';
import { QuernError } from '../errors.ts';
import { readLines } from './lines.ts';
import { compareHits } from './ranking-order.ts';
import type { Hit, Run } from './records.ts';
import { assertField, assertFirstField, fieldsOf } from './trec-lines.ts';
import { writeLines } from '../whole-file.ts';

/**
 * The run of a TREC run file: lines `topic Q0 document rank score tag`, separated by white space, plain or `.gz`;
 * blank lines, comments (`#`) and what follows the tag are skipped. As in trec_eval the rank column is ignored, hits
 * are put into the order of {@link compareHits} and ranked from 1, and the run's name is the tag of the last line (the
 * file's name where there is none). Topics keep the order of the file.
 *
 * Throws `BAD_INPUT` with file and line for any other line, a score that is not a finite number, and a document that
 * comes twice for one topic.
 */
export async function readTrecRun(path: string): Promise<Run> {
  const scores = new Map<string, Map<string, number>>();
  let name = '';
  for await (const { text: line, number } of readLines(path)) {
    const where = `${path}:${number}`;
    const read = runLine(line, where);
    if (!read) continue;
    const { topic, document, score, tag } = read;
    let ofTopic = scores.get(topic);
    if (!ofTopic) scores.set(topic, (ofTopic = new Map()));
    if (ofTopic.has(document)) {
      throw new QuernError('BAD_INPUT', `document ${document} comes twice for topic ${topic}`, {
        where,
        hint: 'Keep one line of each document',
      });
    }
    ofTopic.set(document, score);
    name = tag;
  }

  const rankings = new Map<string, Hit[]>();
  for (const [topic, ofTopic] of scores) {
    const hits = Array.from(ofTopic, ([id, score]) => ({ id, score })).sort(compareHits);
    rankings.set(
      topic,
      hits.map(({ id, score }, i) => ({ id, score, rank: i + 1 })),
    );
    ofTopic.clear();
  }
  return { name: name === '' ? basename(path) : name, rankings };
}

/** A line of a run. */
export interface RunLine {
  readonly topic: string;
  readonly document: string;
  readonly score: number;
  readonly tag: string;
}

/**
 * What a line of a run says; undefined for a blank line or a comment. Throws `BAD_INPUT` at `where` for any other line, and for a
 * score that is not a finite number.
 */
export function runLine(line: string, where: string): RunLine | undefined {
  const fields = fieldsOf(line, where);
  if (!fields) return undefined;
  if (fields.length < 6) {
    throw new QuernError('BAD_INPUT', `${fields.length} fields instead of 6`, {
      where,
      hint: 'A line of a run reads: topic Q0 document rank score tag',
    });
  }
  const [topic, , document, , text, tag] = fields as [string, string, string, string, string, string];
  const score = decimalNumber(text);
  if (score === undefined) {
    throw new QuernError('BAD_INPUT', `score ${JSON.stringify(text)} is not a finite number`, { where });
  }
  return { topic, document, score, tag };
}

function decimalNumber(text: string): number | undefined {
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/**
 * Writes `run` as lines `topic Q0 document rank score tag` (gzip when `path` ends in `.gz`), the tag being the run's
 * name, hits in the order of {@link compareHits}, ranks counted from 1. A score is printed with the fewest digits that
 * give back its 32-bit value: hits that tie in 32 bits are printed alike, so that a reader that keeps 64 bits (trec_eval
 * since version 10) sees the same order.
 *
 * Throws `BAD_INPUT`, before anything is written, for ids or a name that cannot stand in such a file, scores that no
 * 32-bit float can hold, and documents that come twice.
 */
export async function writeTrecRun(path: string, run: Run): Promise<void> {
  assertField(run.name, 'run name');
  for (const [topic, hits] of run.rankings) {
    assertFirstField(topic, 'topic id');
    const seen = new Set<string>();
    for (const { id, score } of hits) {
      assertField(id, 'document id');
      if (!Number.isFinite(Math.fround(score))) {
        throw new QuernError(
          'BAD_INPUT',
          `score ${score} of document ${id} is not finite as a 32-bit number`,
        );
      }
      if (seen.has(id)) throw new QuernError('BAD_INPUT', `document ${id} comes twice for topic ${topic}`);
      seen.add(id);
    }
  }
  await writeLines(path, runLines(run));
}

function* runLines({ name, rankings }: Run): Generator<string> {
  for (const [topic, hits] of rankings) {
    let rank = 0;
    for (const { id, score } of [...hits].sort(compareHits)) {
      yield `${topic} Q0 ${id} ${++rank} ${float32Text(score)} ${name}`;
    }
  }
}

/** The shortest decimal that gives back the 32-bit value of `score` (nine digits always do). */
export function float32Text(score: number): string {
  const value = Math.fround(score);
  let digits = 6;
  while (digits < 9 && Math.fround(Number(value.toPrecision(digits))) !== value) digits++;
  return String(Number(value.toPrecision(digits)));
}
