import { QuernError } from '../errors.ts';

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
  return fields.length === 0 || fields[0].startsWith('#') ? undefined : fields;
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
