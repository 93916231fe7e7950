/** A Stack Exchange dump and a file of the preferences data, of any size, made of random words. */
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { ByteWriter, parquetWriteRows } from 'hyparquet-writer';

/** Uniform 32-bit numbers (xorshift). */
function numbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const next = numbers(42);
const vocabulary = Array.from({ length: 20_000 }, (_, i) => {
  const syllables = ['ka', 'lo', 'mi', 'ten', 'ra', 'sul', 'pe', 'von', 'dri', 'ex', 'ing', 'sta'];
  let word = '';
  for (let rest = i + 12; rest > 0; rest = Math.floor(rest / 12)) word += syllables[rest % 12];
  return word;
});
const common = [
  'the',
  'of',
  'and',
  'is',
  'to',
  'a',
  'in',
  'that',
  'it',
  'for',
  'this',
  'with',
  'how',
  'why',
  'what',
];

/** Words as often as in a language: common ones a third of the time, of others the early ones more often. */
function words(count: number): string {
  const chosen: string[] = [];
  for (let i = 0; i < count; i++) {
    const draw = next();
    if (draw % 3 === 0) chosen.push(common[(draw >>> 8) % common.length]);
    else chosen.push(vocabulary[Math.floor(vocabulary.length * ((draw >>> 8) / 2 ** 24) ** 3)]);
  }
  return chosen.join(' ');
}

function html(count: number): string {
  const code =
    next() % 4 === 0
      ? `<pre><code>for (i = 0; i &lt; ${next() % 100}; i++)\n    ${words(4)};\n</code></pre>\n`
      : '';
  return `<p>${words(count >> 1)}</p>\n\n${code}<p>${words(count >> 1)} <a href="https://example.org/${next()}">${words(2)}</a></p>\n`;
}

function attribute(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#xA;');
}

/** Writes a dump of about `bytes`; returns the number of its rows. */
export async function writeDump(path: string, bytes: number): Promise<number> {
  const file = createWriteStream(path);
  file.write('\ufeff<?xml version="1.0" encoding="utf-8"?>\n<posts>\n');
  let rows = 0;
  let questions = 0;
  const ids: number[] = [];
  for (let written = 0; written < bytes;) {
    rows++;
    const isQuestion = questions < 16 || next() % 5 < 2;
    const day = `20${String(10 + (rows % 14)).padStart(2, '0')}-0${1 + (rows % 9)}-01T00:00:00.000`;
    const owner = next() % 100_000;
    let row: string;
    if (isQuestion) {
      questions++;
      ids.push(rows);
      row = `  <row Id="${rows}" PostTypeId="1" CreationDate="${day}" Score="${(next() % 20) - 2}" ViewCount="${next() % 1000}" Body="${attribute(html(60 + (next() % 200)))}" OwnerUserId="${owner}" LastActivityDate="${day}" Title="${words(9)}" Tags="&lt;${words(1)}&gt;" AnswerCount="2" CommentCount="0" />\n`;
    } else {
      const parent = ids[Math.max(0, ids.length - 1 - Math.floor(ids.length * (next() / 2 ** 32) ** 4))];
      row = `  <row Id="${rows}" PostTypeId="2" ParentId="${parent}" CreationDate="${day}" Score="${(next() % 20) - 2}" Body="${attribute(html(60 + (next() % 250)))}" OwnerUserId="${owner}" LastActivityDate="${day}" CommentCount="0" />\n`;
    }
    if (rows % 100_000 === 0) row = '  <row Id="1" Body="cut off\n';
    written += row.length;
    if (!file.write(row)) await new Promise<void>((drained) => file.once('drain', drained));
  }
  file.end('</posts>');
  await new Promise<void>((done) => file.once('finish', () => done()));
  return rows;
}

const hosts = [
  'Stackoverflow.com',
  'superuser.com',
  'askubuntu.com',
  ...[
    'biology',
    'chemistry',
    'codereview',
    'cs',
    'earthscience',
    'economics',
    'math',
    'robotics',
    'physics',
    'tex',
  ].map((site) => `${site}.stackexchange.com`),
];

const text = (name: string) => ({
  name,
  type: 'BYTE_ARRAY' as const,
  converted_type: 'UTF8' as const,
  repetition_type: 'OPTIONAL' as const,
});
const number = (name: string) => ({ name, type: 'INT64' as const, repetition_type: 'OPTIONAL' as const });
const list = (name: string) => [
  { name, num_children: 1, converted_type: 'LIST' as const, repetition_type: 'OPTIONAL' as const },
  { name: 'list', num_children: 1, repetition_type: 'REPEATED' as const },
];
/** Writes a Parquet file in the schema of the preferences data. */
export async function writePreferences(path: string, count: number): Promise<void> {
  const file = await open(path, 'w');
  class FileWriter extends ByteWriter {
    async flush(): Promise<void> {
      const bytes = new Uint8Array(this.buffer, 0, this.index).slice();
      this.index = 0;
      await file.write(bytes);
    }
    override finish(): Promise<void> {
      return this.flush();
    }
  }
  function* rows(): Generator<Record<string, unknown>> {
    for (let i = 0; i < count; i++) {
      const host = hosts[next() % hosts.length];
      yield {
        qid: BigInt(i + 1),
        question: html(60 + (next() % 120)),
        answers: Array.from({ length: 2 + (next() % 3) }, (_, at) => ({
          answer_id: BigInt(10_000_000 + 8 * i + at),
          author: words(2),
          author_id: BigInt(next() % 100_000),
          author_profile: `https://${host}/users/${next() % 100_000}`,
          pm_score: BigInt(next() % 6),
          selected: at === 0,
          text: html(60 + (next() % 120)),
        })),
        date: '2015/01/27',
        metadata: [
          `https://${host}/questions/${i + 1}`,
          `https://${host}`,
          `https://${host}/users/${next() % 100_000}`,
        ],
      };
    }
  }
  await parquetWriteRows({
    writer: new FileWriter(),
    rows: rows(),
    columns: ['qid', 'question', 'answers', 'date', 'metadata'].map((name) => ({ name })),
    rowGroupSize: 10_000,
    statistics: false,
    schema: [
      { name: 'schema', num_children: 5 },
      number('qid'),
      text('question'),
      ...list('answers'),
      { name: 'element', num_children: 7, repetition_type: 'OPTIONAL' },
      number('answer_id'),
      text('author'),
      number('author_id'),
      text('author_profile'),
      number('pm_score'),
      { name: 'selected', type: 'BOOLEAN', repetition_type: 'OPTIONAL' },
      text('text'),
      text('date'),
      ...list('metadata'),
      text('element'),
    ],
  });
  await file.close();
}
