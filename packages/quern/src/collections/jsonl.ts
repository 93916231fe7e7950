import { QuernError } from '../errors.ts';
import type { ReadOptions } from './bytes.ts';
import { readLines, type Line } from './lines.ts';

/** How the file begins that a clone without Git LFS holds in place of a large one. */
const LFS_POINTER = 'version https://git-lfs.github.com/spec/';

/** A record of a file: its fields, and the place it comes from, which every error and warning about it names. */
export interface PlacedRecord {
  /** `file:line`, or `file (row 12)` for Parquet. */
  readonly where: string;
  readonly record: Readonly<Record<string, unknown>>;
}

/**
 * The JSON objects of a file that holds one per line (plain or gzipped); blank lines are skipped. Throws `BAD_INPUT` at
 * `file:line` for what is not a JSON object, and whatever {@link readLines} throws.
 */
export function readJsonl(path: string, options: ReadOptions = {}): AsyncGenerator<PlacedRecord> {
  return jsonlRecords(readLines(path, options), path);
}

/** The JSON objects of lines, as {@link readJsonl} gives them; errors call where they come from `path`. */
export async function* jsonlRecords(lines: AsyncIterable<Line>, path: string): AsyncGenerator<PlacedRecord> {
  for await (const { text, number } of lines) {
    if (text.trim() === '') continue;
    const where = `${path}:${number}`;
    yield { where, record: parseJsonObject(text, where) };
  }
}

/** The object that `text` is the JSON of. Throws `BAD_INPUT` at `where`, with the beginning of the text. */
export function parseJsonObject(text: string, where: string): Record<string, unknown> {
  const hint = 'Write one JSON object on each line';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    if (text.startsWith(LFS_POINTER)) {
      throw new QuernError('BAD_INPUT', 'a Git LFS pointer, not the file it stands for', {
        where,
        hint: 'Fetch the file itself, e.g. with git lfs pull',
      });
    }
    throw new QuernError('BAD_INPUT', `malformed JSON: ${excerpt(text)}`, { where, hint, cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new QuernError('BAD_INPUT', `not a JSON object: ${excerpt(text)}`, { where, hint });
  }
  return value as Record<string, unknown>;
}

/** A key as an error shows it: as it is where that is short and plain. */
export function shownKey(key: string): string {
  return /^[\w-]{1,60}$/.test(key) ? key : excerpt(key);
}

/** The beginning of `text`, quoted, with control characters escaped: what an error shows of it. */
export function excerpt(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
