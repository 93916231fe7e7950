import { QuernError } from '../errors.ts';
import { readLines } from './lines.ts';
import type { Topic } from './records.ts';
import { assertFirstField, assertNoNull } from './trec-lines.ts';
import { writeLines } from '../whole-file.ts';

/**
 * The topics of a TREC topic file, plain or `.gz`, in the order of the file. Two formats are told apart by the first
 * line that says something: one that begins with `<` starts the classic format, whose topics stand between `<top>` and
 * `</top>` and of which `<num>` (after `Number:`) and `<title>` (after `Topic:`) are taken; otherwise a line reads
 * `id<TAB>text`. Blank lines and comments (`#`) between topics are skipped.
 *
 * Throws `BAD_INPUT` with file and line for anything else: a topic without number or text, ids with white space,
 * ids that come twice, text outside of a topic, a topic that is not closed.
 */
export async function readTrecTopics(path: string): Promise<Topic[]> {
  const topics = new Map<string, Topic>();
  const add = (id: string, text: string, where: string) => {
    if (id === '' || /\s/.test(id)) {
      throw new QuernError('BAD_INPUT', `${JSON.stringify(id)} is not a topic id`, { where });
    }
    if (text === '') throw new QuernError('BAD_INPUT', `topic ${id} has no text`, { where });
    if (topics.has(id)) throw new QuernError('BAD_INPUT', `topic ${id} comes twice`, { where });
    topics.set(id, { id, text, excluded: [] });
  };

  const classic = classicTopics(add);
  let format: 'classic' | 'tab separated' | undefined;
  let last = path;
  for await (const { text: line, number } of readLines(path)) {
    const where = `${path}:${number}`;
    last = where;
    assertNoNull(line, where);
    if (!classic.isInside() && /^\s*(#|$)/.test(line)) continue;
    format ??= line.trimStart().startsWith('<') ? 'classic' : 'tab separated';
    if (format === 'classic') {
      classic.take(line, where);
      continue;
    }
    const tab = line.indexOf('\t');
    if (tab === -1) {
      throw new QuernError('BAD_INPUT', 'no tab between id and text', {
        where,
        hint: 'Topics are lines id<TAB>text, or <top> elements',
      });
    }
    add(line.slice(0, tab).trim(), line.slice(tab + 1).trim(), where);
  }
  if (classic.isInside())
    throw new QuernError('BAD_INPUT', 'the last topic is not closed by </top>', { where: last });
  return [...topics.values()];
}

/** The tags that count wherever they stand, and any other at the beginning of a line. */
const tags = /<(\/?(?:top|num|title|desc|narr))\b[^<>]*>|^\s*<([/?!]?[a-z][\w-]*)[^<>]*>/gi;

/** Takes the lines of the classic format one by one and hands on each topic at its `</top>`. */
function classicTopics(add: (id: string, text: string, where: string) => void) {
  let topic: { num: string; title: string } | undefined;
  let open = '';

  const takeText = (text: string, where: string) => {
    if (!topic && text.trim() !== '') {
      throw new QuernError('BAD_INPUT', 'text outside of a topic', {
        where,
        hint: 'Topics begin with <top>',
      });
    }
    if (topic && (open === 'num' || open === 'title')) topic[open] += ` ${text}`;
  };

  const takeTag = (name: string, where: string) => {
    if (name === 'top') {
      if (topic) {
        throw new QuernError('BAD_INPUT', 'a topic within a topic', {
          where,
          hint: 'Topics end with </top>',
        });
      }
      topic = { num: '', title: '' };
    } else if (name === '/top' && topic) {
      const { num, title } = topic;
      topic = undefined;
      add(oneLine(num).replace(/^Number:\s*/i, ''), oneLine(title).replace(/^Topic:\s*/i, ''), where);
    }
    open = name;
  };

  return {
    isInside: () => topic !== undefined,
    take(line: string, where: string): void {
      let start = 0;
      for (const tag of line.matchAll(tags)) {
        takeText(line.slice(start, tag.index), where);
        takeTag((tag[1] ?? tag[2] ?? '').toLowerCase(), where);
        start = tag.index + tag[0].length;
      }
      takeText(line.slice(start), where);
    },
  };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/**
 * Writes topics as lines `id<TAB>text` (gzip when `path` ends in `.gz`); excluded documents have no place in this
 * format. Throws `BAD_INPUT`, before anything is written, for ids that cannot stand in such a file or come twice, and
 * for texts that are blank or span lines.
 */
export async function writeTrecTopics(path: string, topics: readonly Topic[]): Promise<void> {
  const ids = new Set<string>();
  for (const { id, text } of topics) {
    assertFirstField(id, 'topic id');
    if (id.startsWith('<') || /\s/.test(id)) {
      throw new QuernError('BAD_INPUT', `topic id ${JSON.stringify(id)} cannot begin a line of topics`);
    }
    if (ids.has(id)) throw new QuernError('BAD_INPUT', `topic ${id} comes twice`);
    ids.add(id);
    if (text.trim() === '' || /[\n\0]|\p{Surrogate}/u.test(text)) {
      throw new QuernError('BAD_INPUT', `the text of topic ${id} is blank or has line feeds`, {
        hint: 'A topic takes one line',
      });
    }
  }
  await writeLines(path, topicLines(topics));
}

function* topicLines(topics: readonly Topic[]): Generator<string> {
  for (const { id, text } of topics) yield `${id}\t${text}`;
}
