import { isUtf8 } from 'node:buffer';
import { basename } from 'node:path';
import { readBytes } from '../../collections/bytes.ts';
import { ID_FIELDS, kindOf } from '../../collections/record-fields.ts';
import { contentId } from '../../content-id.ts';
import type { FaultCounts } from '../faults.ts';
import type { PostedAnswer, PostedQuestion } from '../post.ts';
import { byteLines } from './byte-lines.ts';
import { assertUtf8Start } from './xml-rows.ts';
import { after } from './dump-source.ts';
import type { PostSource, SourceBatch } from './post-source.ts';
import { hostOf } from '../stack-exchange.ts';

/** The longest line that is read, in bytes. */
const longestLine = 64 << 20;

/** How many lines are handed on together. */
const batchLines = 256;

/**
 * Questions of one's own as a source: JSONL (plain or gzipped) with `question`, and `answers`, each an object with `text` and,
 * where there are, `score` (net votes or any like measure) and `accepted`, or just a text. `id` (or `_id`), `title`, `domain`,
 * `url`, `author`, `licence` and `duplicate_of` may be there. An id that is not is made of the question's text. Texts are
 * plain, unless `html` is true.
 */
export function ownQuestions(path: string, facts: Pick<PostSource, 'stamp' | 'file'>): PostSource {
  const title = basename(path);
  const domain = title.replace(/\.jsonl?(\.gz)?$/i, '');
  return {
    kind: 'own',
    name: path,
    title,
    ...(facts.file && { bytes: facts.file.bytes }),
    ...facts,
    async *read(from, { faults, signal }): AsyncGenerator<SourceBatch> {
      let posts: PostedQuestion[] = [];
      let doneBytes = 0;
      const chunks = readBytes(path, { signal, onBytes: (bytes) => (doneBytes += bytes) });
      let position = from;
      const limits = { longest: longestLine, name: path };
      for await (const { bytes, number, end } of byteLines(after(chunks, from.offset), from, limits)) {
        if (number === 1) assertUtf8Start(bytes, path);
        const question = questionOf(bytes, { where: `${path}:${number}`, faults, domain });
        if (question) posts.push(question);
        position = { offset: end, rows: number };
        if (number % batchLines !== 0) continue;
        yield { posts, position, doneBytes };
        posts = [];
      }
      yield { posts, position, doneBytes };
    },
  };
}

function questionOf(
  line: Buffer,
  { where, faults, domain }: { where: string; faults: FaultCounts; domain: string },
): PostedQuestion | undefined {
  const faulty = (fault: string): undefined => {
    faults.add(fault, where);
    return undefined;
  };
  if (!isUtf8(line)) return faulty('a line that is not UTF-8');
  const text = line.toString('utf8').replace(/^\ufeff/, '');
  if (text.trim() === '') return undefined;
  let record: Record<string, unknown>;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return faulty('a line that is not a JSON object');
    }
    record = value as Record<string, unknown>;
  } catch {
    return faulty('a line that is not JSON');
  }
  const { question, title, answers } = record;
  if (typeof question !== 'string' || question.trim() === '') {
    return faulty(`a record whose question is ${question === '' ? 'empty' : kindOf(question)}`);
  }
  if (answers !== undefined && !Array.isArray(answers))
    return faulty(`a record whose answers are ${kindOf(answers)}`);
  const given = ID_FIELDS.map((field) => record[field]).find(
    (value) => value !== undefined && value !== null,
  );
  const own = typeof given === 'string' || Number.isSafeInteger(given) ? String(given) : undefined;
  // Files number their questions alike: an id is told by the file's name too.
  const id = own === undefined ? contentId(question) : `${domain}/${own}`;
  if (own === '' || /[\p{Cc}\p{Cs}]/u.test(id))
    return faulty('a record whose id is empty or holds a control character');
  const isHtml = record['html'] === true;
  const url =
    typeof record['url'] === 'string' && hostOf(record['url']) !== undefined ? record['url'] : undefined;
  const field = record['domain'];
  const named = typeof field === 'string' && field.trim() !== '' ? field.trim().slice(0, 100) : domain;
  return {
    kind: 'question',
    id,
    domain: named,
    ...(own !== undefined && { splitKey: own }),
    ...(typeof title === 'string' && title.trim() !== '' && { title }),
    body: question,
    isHtml,
    ...(url !== undefined && { url }),
    ...(typeof record['author'] === 'string' && { author: { name: record['author'] } }),
    ...(typeof record['licence'] === 'string' && { licence: record['licence'] }),
    answers: (answers ?? []).flatMap(
      (answer, i) => answerOf(answer, { id, domain: named, i, isHtml, where, faults }) ?? [],
    ),
  };
}

function answerOf(
  value: unknown,
  {
    id,
    domain,
    i,
    isHtml,
    where,
    faults,
  }: { id: string; domain: string; i: number; isHtml: boolean; where: string; faults: FaultCounts },
): PostedAnswer | undefined {
  const { text, score, accepted } =
    typeof value === 'string' ? { text: value } : ((value ?? {}) as Record<string, unknown>);
  if (typeof text !== 'string' || text.trim() === '') {
    faults.add('an answer without a text', where);
    return undefined;
  }
  const isScore = typeof score === 'number' && Number.isFinite(score);
  if (score !== undefined && score !== null && !isScore)
    faults.add('a score that is not a number, left out', where);
  return {
    kind: 'answer',
    id: `${id}/${i + 1}`,
    question: id,
    domain,
    body: text,
    isHtml,
    ...(isScore && { score }),
    ...(accepted === true && { isAccepted: true }),
  };
}
