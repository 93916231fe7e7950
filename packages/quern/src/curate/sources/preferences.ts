/**
 * The Hugging Face data set `HuggingFaceH4/stack-exchange-preferences`. Its `question` is the HTML of the question's body,
 * without the title: so the known readers of it treat it (direct preference optimisation's reference code takes its text
 * out of `p`, `pre` and `code`; the data set made from it converts it from HTML to Markdown). A text without any of HTML's
 * elements is taken as it is, and a column `title`, which copies of the data may have, comes first.
 */
import type { SchemaTree } from 'hyparquet';
import type { PlacedRecord } from '../../collections/jsonl.ts';
import { parquetGroups, type ParquetFile } from '../../collections/parquet.ts';
import { kindOf } from '../../collections/record-fields.ts';
import { QuernError } from '../../errors.ts';
import type { FaultCounts } from '../faults.ts';
import type { Author, PostedAnswer, PostedQuestion } from '../post.ts';
import { hostOf, licenceOf, postUrl, siteDomain } from '../stack-exchange.ts';
import type { PostSource, SourceBatch } from './post-source.ts';

const columns = ['qid', 'question', 'answers', 'metadata'];
const optional = ['date', 'title'];

/** A row group is in memory as a whole, several times over while it is decoded. */
const mostGroupBytes = 256 << 20;

/** A Parquet file of the preferences data as a source. */
export function preferencesSource(
  file: ParquetFile,
  { bytes: fileBytes, ...facts }: Pick<PostSource, 'title' | 'stamp' | 'file'> & { readonly bytes: number },
): PostSource {
  return {
    kind: 'preferences',
    name: file.path,
    bytes: fileBytes,
    ...facts,
    async *read(from, { faults, signal }): AsyncGenerator<SourceBatch> {
      const text = (bytes: Uint8Array): string => {
        const read = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
        if (read.includes('\ufffd') && Buffer.byteLength(read) !== bytes.byteLength) {
          faults.add('a text that is not UTF-8, its odd bytes replaced', file.path);
        }
        return read;
      };
      const reading = { signal, optional, from: from.offset, text, mostGroupBytes };
      for await (const group of parquetGroups(file, columns, { ...reading, onSchema: checkColumns })) {
        const share = group.rowEnd / Math.max(1, group.totalRows);
        yield {
          posts: group.records.flatMap((placed) => preferencesQuestion(placed, faults) ?? []),
          position: { offset: group.group + 1, rows: group.rowEnd },
          doneBytes: Math.floor(fileBytes * share),
        };
      }
    },
  };
}

/** Throws `BAD_INPUT` where a column is of a type that its rows cannot be read from. */
function checkColumns(schema: readonly SchemaTree[], where: string): void {
  const wrong = (name: string, what: string): never => {
    throw new QuernError('BAD_INPUT', `the column ${name} is not ${what}`, {
      where,
      hint: 'The columns are those of HuggingFaceH4/stack-exchange-preferences',
    });
  };
  for (const { element, children } of schema) {
    const { name, type } = element;
    const isNumber =
      (type === 'INT64' || type === 'INT32') &&
      !/TIME|DATE|DECIMAL/.test(element.converted_type ?? element.logical_type?.type ?? '');
    if (name === 'qid' && !isNumber) wrong(name, 'of whole numbers');
    if (name === 'question' && type !== 'BYTE_ARRAY') wrong(name, 'of texts');
    if (name === 'metadata' && leavesOf(children).some((leaf) => leaf.element.type !== 'BYTE_ARRAY')) {
      wrong(name, 'of lists of texts');
    }
    if (name === 'metadata' && children.length === 0) wrong(name, 'of lists of texts');
    if (name === 'answers') {
      const text = leavesOf(children).find((leaf) => leaf.element.name === 'text');
      if (text?.element.type !== 'BYTE_ARRAY') wrong(name, 'of lists of answers with a text');
    }
  }
}

function leavesOf(trees: readonly SchemaTree[]): SchemaTree[] {
  return trees.flatMap((tree) => (tree.children.length === 0 ? [tree] : leavesOf(tree.children)));
}

/** Whether a text is HTML as Stack Exchange renders posts: whether it has any of the elements that these consist of. */
export function looksLikeHtml(text: string): boolean {
  return /<\/?(?:p|pre|code|a|ul|ol|li|blockquote|em|strong|br|hr|h[1-6]|img)\b[^<>]*>/i.test(text);
}

function preferencesQuestion(
  { record, where }: PlacedRecord,
  faults: FaultCounts,
): PostedQuestion | undefined {
  const { qid, question, answers, metadata, date, title } = record;
  const faulty = (fault: string): undefined => {
    faults.add(fault, where);
    return undefined;
  };
  if (typeof qid !== 'number' && typeof qid !== 'bigint') return faulty(`a row whose qid is ${kindOf(qid)}`);
  if (typeof question !== 'string') return faulty(`a row whose question is ${kindOf(question)}`);
  const addresses = Array.isArray(metadata) ? (metadata as unknown[]) : [];
  const host = typeof addresses[0] === 'string' ? hostOf(addresses[0]) : undefined;
  if (host === undefined) return faulty('a row without the address of its question');
  const id = `${host}/${qid}`;
  const licence = licenceOf(isoDate(date));
  const posted = (Array.isArray(answers) ? (answers as unknown[]) : []).flatMap(
    (answer) => preferencesAnswer(answer, { host, question: id, where, faults }) ?? [],
  );
  const profile =
    typeof addresses[2] === 'string' && hostOf(addresses[2]) !== undefined ? addresses[2] : undefined;
  return {
    kind: 'question',
    id,
    domain: siteDomain(host),
    ...(typeof title === 'string' && { title }),
    body: question,
    isHtml: looksLikeHtml(question),
    ...(profile !== undefined && { author: { profile } }),
    url: postUrl(host, 'question', String(qid)),
    licence,
    answers: posted,
  };
}

function preferencesAnswer(
  value: unknown,
  question: { host: string; question: string; where: string; faults: FaultCounts },
): PostedAnswer | undefined {
  const { host, where, faults } = question;
  const {
    answer_id: id,
    author,
    author_profile: profile,
    pm_score: score,
    selected,
    text,
  } = (value ?? {}) as Record<string, unknown>;
  if (typeof text !== 'string' || (typeof id !== 'number' && typeof id !== 'bigint')) {
    faults.add('an answer without a text and an answer_id', where);
    return undefined;
  }
  const isScore = typeof score === 'number' || typeof score === 'bigint';
  if (!isScore) faults.add('an answer without a pm_score, taken for 0', where);
  return {
    kind: 'answer',
    id: `${host}/${id}`,
    question: question.question,
    domain: siteDomain(host),
    body: text,
    isHtml: looksLikeHtml(text),
    ...(selected === true && { isAccepted: true }),
    preference: isScore ? Number(score) : 0,
    ...authorOf(author, profile),
    url: postUrl(host, 'answer', String(id)),
    // The data has no date of answers.
    licence: licenceOf(undefined),
  };
}

function authorOf(author: unknown, profile: unknown): { author?: Author } {
  const name = typeof author === 'string' && author !== '' ? { name: author } : {};
  const page = typeof profile === 'string' && hostOf(profile) !== undefined ? { profile } : {};
  return 'name' in name || 'profile' in page ? { author: { ...name, ...page } } : {};
}

/** A date as the data writes it (2015/01/27) in ISO 8601. */
function isoDate(date: unknown): string | undefined {
  if (typeof date !== 'string' || !/^\d{4}[/-]\d{2}[/-]\d{2}/.test(date)) return undefined;
  return date.slice(0, 10).replaceAll('/', '-');
}
