import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { fileError, QuernError } from '../errors.ts';

/**
 * The fields of a line of qrels or of a run, or `undefined` for a blank line or a comment (`#` first). Fields are
 * separated by what C's `isspace` takes for white space, so that ids may hold the other spaces of Unicode. Throws
 * `BAD_INPUT` at `where` for a null character, which would end the line for trec_eval.
 */
export function fieldsOf(line: string, where: string): string[] | undefined {
  assertNoNull(line, where);
  const fields = line.split(/[ \t\v\f\r]+/);
  if (fields[0] === '') fields.shift();
  if (fields.at(-1) === '') fields.pop();
  return fields.length === 0 || fields[0]!.startsWith('#') ? undefined : fields;
}

/** Throws `BAD_INPUT` at `where` where `line` has a null character. */
export function assertNoNull(line: string, where: string): void {
  if (line.includes('\0')) throw new QuernError('BAD_INPUT', 'a null character', { where });
}

/**
 * Throws `BAD_INPUT` unless `value` (a `what`, e.g. `document id`) can be a field of a TREC file: not empty, no white
 * space, no null or half of a surrogate pair.
 */
export function assertField(value: string, what: string): void {
  if (value === '' || /[ \t\n\v\f\r\0]|\p{Surrogate}/u.test(value)) {
    throw new QuernError('BAD_INPUT', `${what} ${JSON.stringify(value)} cannot stand in a TREC file`, {
      hint: 'Ids and tags must have at least one character and no white space',
    });
  }
}

/** {@link assertField} for the first field of a line, which moreover must not read as a comment or a byte order mark. */
export function assertFirstField(value: string, what: string): void {
  assertField(value, what);
  if (/^[#\ufeff]/.test(value)) {
    throw new QuernError('BAD_INPUT', `${what} ${JSON.stringify(value)} cannot begin a line of a TREC file`, {
      hint: 'A line that begins with # is a comment',
    });
  }
}

/**
 * Writes `lines` to `path`, each followed by a line feed; as gzip when `path` ends in `.gz`. The file comes to be under
 * a passing name in the same folder and is renamed when it is whole: a failure leaves nothing, and an older file as it was.
 *
 * Throws what `lines` throws, and what {@link fileError} makes of the file system's errors.
 */
export async function writeLines(path: string, lines: Iterable<string>): Promise<void> {
  const passing = `${path}.${randomUUID()}.tmp`;
  try {
    const blocks = Readable.from(blocksOf(lines), { objectMode: true });
    const file = createWriteStream(passing, { flags: 'wx' });
    await (path.endsWith('.gz') ? pipeline(blocks, createGzip(), file) : pipeline(blocks, file));
    await rename(passing, path);
  } catch (error) {
    await rm(passing, { force: true }).catch(() => undefined);
    throw fileError(error, path);
  }
}

function* blocksOf(lines: Iterable<string>): Generator<Buffer> {
  let block = '';
  for (const line of lines) {
    block += `${line}\n`;
    if (block.length < 1 << 16) continue;
    yield Buffer.from(block);
    block = '';
  }
  if (block !== '') yield Buffer.from(block);
}
