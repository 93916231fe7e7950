import type { FileHandle } from 'node:fs/promises';
import { parquetMetadataAsync, type AsyncBuffer, type FileMetaData } from 'hyparquet';
import * as z from 'zod';
import { parquetGroups } from '../../collections/parquet.ts';
import { QuernError, throwIfAborted } from '../../errors.ts';
import type { SplitName } from '../../curate/split.ts';

/** Which questions of a set are asked for. */
export interface QuestionsAsked {
  readonly split: SplitName;
  /** Of this domain alone. */
  readonly domain?: string;
  /** Those alone whose id, text or positives hold this, in whatever case. */
  readonly q?: string;
  /** Rows of the split that are left out first. */
  readonly from: number;
  /** How many at most. */
  readonly limit: number;
}

/** The beginning of a text, or all of it. */
export interface CutText {
  readonly text: string;
  readonly isCut: boolean;
}

/** A question with its positives. */
export interface SetQuestion {
  /** Its number in the split, from 0. */
  readonly row: number;
  readonly id: string;
  readonly domain: string;
  readonly url: string | null;
  readonly question: CutText;
  /** The best first. */
  readonly positives: readonly CutText[];
  /** Positives that there are beside these. */
  readonly morePositives: number;
}

/** Questions of a split. */
export interface QuestionPage {
  /** Rows of the split. */
  readonly total: number;
  readonly questions: readonly SetQuestion[];
  /** The row to ask from for what comes next; null at the end. */
  readonly next: number | null;
  /** Rows that were looked at for this, from `from` on. */
  readonly looked: number;
  /** Rows that could not be read, which are left out. */
  readonly unreadable: number;
}

/** How questions are read. */
export interface PageReading {
  readonly signal?: AbortSignal;
  /** Told of each row group that is decoded, and what of it. */
  readonly onGroup?: (what: 'domains' | 'texts') => void;
}

/** Characters of a text, and positives of a question, that are told. */
export const mostCharacters = 8000;
export const mostPositives = 10;

/** Rows and row groups that one page looks at, and bytes of texts that it decodes, where these are of several groups. */
const mostRows = 400_000;
const mostGroups = 400;
const mostTextBytes = 32 << 20;

/** What a file may have at most: of other sizes than ours, but none that takes all memory. */
const mostFooterBytes = 4 << 20;
const mostGroupRows = 100_000;
const mostGroupBytes = 128 << 20;

const textColumns = ['id', 'domain', 'question', 'positives'];
const factColumn = 'extra_info';
const decoder = new TextDecoder();

const rowSchema = z.object({
  id: z.string(),
  domain: z.string(),
  question: z.string(),
  positives: z.array(z.string()),
  extra_info: z.object({ url: z.string().nullish() }).nullish().catch(undefined),
});

/**
 * Reads questions out of a Parquet file of a training set, a row group at a time, and of groups without a wanted domain that column
 * alone. It stops at bounds of its own: then there may be fewer questions than asked for, and `next` says where to go on. Throws
 * `CORRUPT_FILE` and `BAD_INPUT` where the file is not as it should be, and `UNSUPPORTED` where a group is too large.
 */
export async function questionPage(
  file: FileHandle,
  name: string,
  { domain, q, from, limit }: Omit<QuestionsAsked, 'split'>,
  { signal, onGroup }: PageReading = {},
): Promise<QuestionPage> {
  const { buffer, metadata } = await opened(file, name);
  const source = { path: name, open: () => Promise.resolve(buffer) };
  const rowsOf = async (
    group: number,
    columns: readonly string[],
  ): Promise<Readonly<Record<string, unknown>>[]> => {
    throwIfAborted(signal);
    onGroup?.(columns.length === 1 ? 'domains' : 'texts');
    const options = { from: group, text: (bytes: Uint8Array) => decoder.decode(bytes), optional: [] };
    const optional = columns.length === 1 ? [] : [factColumn];
    for await (const { records } of parquetGroups(source, columns, { ...options, optional })) {
      return records.map(({ record }) => record as Readonly<Record<string, unknown>>);
    }
    return [];
  };
  const isWanted = matching(q);
  const questions: SetQuestion[] = [];
  const total = Number(metadata.num_rows);
  let unreadable = 0;
  let groups = 0;
  let bytes = 0;
  let start = 0;
  const page = (end: number): QuestionPage => ({
    total,
    questions,
    next: end < total ? end : null,
    looked: Math.max(0, end - from),
    unreadable,
  });
  for (const [number, group] of metadata.row_groups.entries()) {
    const end = start + Number(group.num_rows);
    const first = Math.max(from, start);
    if (first < end) {
      const size = textBytes(group);
      const isEnough = groups >= mostGroups || end - from > mostRows || bytes + size > mostTextBytes;
      if (groups > 0 && isEnough) return page(first);
      if (size > mostGroupBytes || end - start > mostGroupRows) throw tooLarge(number);
      groups++;
      const domains = domain === undefined ? undefined : await rowsOf(number, ['domain']);
      const rest = Array.from({ length: end - first }, (_, i) => first + i);
      const wanted = domains ? rest.filter((row) => domains[row - start]?.['domain'] === domain) : rest;
      if (wanted.length > 0) {
        bytes += size;
        const rows = await rowsOf(number, textColumns);
        for (const row of wanted) {
          const { success, data } = rowSchema.safeParse(rows[row - start]);
          if (!success) unreadable++;
          else if (isWanted(data)) questions.push(shown(row, data));
          if (questions.length === limit) return page(row + 1);
        }
      }
    }
    start = end;
  }
  return page(Math.max(from, total));
}

type Row = z.infer<typeof rowSchema>;

function matching(q: string | undefined): (row: Row) => boolean {
  if (q === undefined) return () => true;
  const sought = q.toLowerCase();
  return ({ id, question, positives }) =>
    [id, question, ...positives].some((text) => text.toLowerCase().includes(sought));
}

function shown(row: number, { id, domain, question, positives, extra_info: extra }: Row): SetQuestion {
  return {
    row,
    id: cut(id, 300).text,
    domain: cut(domain, 300).text,
    url: extra?.url == null || extra.url.length > 2000 ? null : extra.url,
    question: cut(question),
    positives: positives.slice(0, mostPositives).map((text) => cut(text)),
    morePositives: Math.max(0, positives.length - mostPositives),
  };
}

function cut(text: string, length = mostCharacters): CutText {
  if (text.length <= length) return { text, isCut: false };
  // Not inside of a character of two.
  return { text: text.slice(0, length).replace(/[\uD800-\uDBFF]$/, ''), isCut: true };
}

/** The file as hyparquet reads one, its end kept: each reading of a group begins with that. */
async function opened(
  file: FileHandle,
  name: string,
): Promise<{ readonly buffer: AsyncBuffer; readonly metadata: FileMetaData }> {
  const { size } = await file.stat();
  const slice = async (from: number, to: number): Promise<ArrayBuffer> => {
    const bytes = new Uint8Array(Math.max(0, to - from));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, from + filled);
      if (bytesRead === 0)
        throw new QuernError('CORRUPT_FILE', 'it became shorter while it was read', { where: name });
      filled += bytesRead;
    }
    return bytes.buffer;
  };
  if (size < 12) throw damaged(name);
  const last = Buffer.from(await slice(size - 8, size));
  if (last.toString('latin1', 4) !== 'PAR1') throw damaged(name);
  const length = last.readUInt32LE(0);
  if (length > mostFooterBytes) {
    throw new QuernError(
      'UNSUPPORTED',
      `what the file says of its rows is larger than ${mostFooterBytes} bytes`,
      {
        where: name,
      },
    );
  }
  const kept = Math.min(size, Math.max(length + 8, 512 << 10));
  const end = await slice(size - kept, size);
  const buffer: AsyncBuffer = {
    byteLength: size,
    slice: async (from, to = size) =>
      from >= size - kept ? end.slice(from - size + kept, to - size + kept) : slice(from, Math.min(to, size)),
  };
  try {
    return { buffer, metadata: await parquetMetadataAsync(buffer, { geoparquet: false }) };
  } catch (cause) {
    throw damaged(name, cause);
  }
}

function damaged(where: string, cause?: unknown): QuernError {
  return new QuernError('CORRUPT_FILE', 'not a readable Parquet file', { where, cause });
}

function tooLarge(group: number): QuernError {
  return new QuernError('UNSUPPORTED', `row group ${group} is too large to be looked at`);
}

/** The bytes that the columns of a group have which are looked at. */
function textBytes({ columns }: FileMetaData['row_groups'][number]): number {
  return columns.reduce((sum, { meta_data: of }) => {
    const isRead = of !== undefined && [...textColumns, factColumn].includes(of.path_in_schema[0] ?? '');
    return isRead ? sum + Number(of.total_uncompressed_size) : sum;
  }, 0);
}
