import { QuernError } from '../errors.ts';
import { excerpt, type PlacedRecord } from './jsonl.ts';

/** The fields that may hold a record's id, first come first. */
export const ID_FIELDS = ['_id', 'id', 'docid'] as const;

/** A record's id and the field that holds it: `_id`, else `id`, else `docid`. Throws `BAD_INPUT`. */
export function recordId({ record, where }: PlacedRecord): { id: string; field: string } {
  const field = ID_FIELDS.find((name) => record[name] !== undefined && record[name] !== null);
  if (field === undefined) {
    throw new QuernError('BAD_INPUT', 'the record has no id', {
      where,
      hint: `Its id is looked for in ${ID_FIELDS.join(', ')}`,
    });
  }
  return { id: idText(record[field], field, where), field };
}

/**
 * `value` as an id: a string that is not empty and holds no control characters and no half of a surrogate pair, or an
 * integer, which is turned into a string. Throws `BAD_INPUT` otherwise, calling it `name`.
 */
export function idText(value: unknown, name: string, where: string): string {
  if (Number.isSafeInteger(value) || typeof value === 'bigint') return String(value);
  if (typeof value !== 'string') {
    const what =
      typeof value === 'number'
        ? `${name} is ${value}, a number that cannot be kept exactly`
        : `${name} is ${kindOf(value)}, not a string`;
    throw new QuernError('BAD_INPUT', what, { where, hint: 'Write ids as strings' });
  }
  if (value === '') throw new QuernError('BAD_INPUT', `${name} is empty`, { where });
  if (/[\p{Cc}\p{Cs}]/u.test(value)) {
    throw new QuernError('BAD_INPUT', `${name} ${excerpt(value)} holds a control character`, { where });
  }
  return value;
}

/** The text of a field, undefined where the field is missing or null. Throws `BAD_INPUT` for any other type. */
export function textField({ record, where }: PlacedRecord, field: string): string | undefined {
  const value = record[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw new QuernError('BAD_INPUT', `${field} is ${kindOf(value)}, not a string`, { where });
}

/** The ids in a field that holds a list of them. Throws `BAD_INPUT` where it is something else. */
export function idListField({ record, where }: PlacedRecord, field: string): string[] {
  const value = record[field];
  if (!Array.isArray(value)) {
    throw new QuernError('BAD_INPUT', `${field} is ${kindOf(value)}, not a list of ids`, { where });
  }
  return value.map((id: unknown) => idText(id, `an id in ${field}`, where));
}

/** What a JSON value is, for an error message: `a number`, `an object`, `missing`. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
