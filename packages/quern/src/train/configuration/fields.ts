/** Kinds of values of a configuration: each schema knows in words what it takes, for errors and documentation. */
import { z } from 'zod';

/** What is documented of a field. */
export interface FieldFacts {
  /** What it takes, in words that follow "must be". */
  readonly type: string;
  readonly description: string;
  /** Where name and default are from. */
  readonly source: string;
  /** What holds where the field is left out; absent where the schema has a default, or the field must be given. */
  readonly otherwise?: string;
  /** Whether it takes text, or a list of texts. */
  readonly isText?: boolean;
}

const factsOfSchema = z.registry<FieldFacts>();

type Described = Omit<FieldFacts, 'type' | 'isText'>;

/** A kind of values, to which a default and the facts are still to be added. */
export interface Kind<Value> {
  readonly type: string;
  readonly schema: z.ZodType<Value>;
  readonly isText?: boolean;
}

/** A field with a default. */
export function field<Value>(
  { schema, type, isText }: Kind<Value>,
  byDefault: z.core.util.NoUndefined<Value>,
  facts: Described,
): z.ZodType<Value> {
  return schema.default(() => structuredClone(byDefault)).register(factsOfSchema, { type, isText, ...facts });
}

/** A field that must be given. */
export function requiredField<Value>(
  { schema, type, isText }: Kind<Value>,
  facts: Described,
): z.ZodType<Value> {
  // A schema of its own: several fields are of the same kind.
  return schema.clone().register(factsOfSchema, { type, isText, ...facts });
}

/** A field that may be left out. */
export function optionalField<Value>(
  { schema, type, isText }: Kind<Value>,
  facts: Described,
): z.ZodOptional<z.ZodType<Value>> {
  return schema.optional().register(factsOfSchema, { type, isText, ...facts });
}

/** What is documented of a field that one of the above made. */
export function factsOf(schema: z.core.$ZodType): FieldFacts {
  return factsOfSchema.get(schema)!;
}

/** Text of one line. */
export const text: Kind<string> = {
  type: 'text on one line',
  isText: true,
  schema: z
    .string()
    .min(1)
    .max(4096)
    .regex(/^[^\p{Cc}]*$/u),
};

export const flag: Kind<boolean> = { type: 'true or false', schema: z.boolean() };

/** Whole numbers from `least` to `most`. */
export function whole(least: number, most?: number): Kind<number> {
  return {
    type: `a whole number ${rangeText(least, most)}`,
    schema: z
      .int()
      .min(least)
      .max(most ?? Number.MAX_SAFE_INTEGER),
  };
}

/** Finite numbers from `least` to `most`. */
export function real(least: number, most?: number): Kind<number> {
  return {
    type: `a number ${rangeText(least, most)}`,
    schema: z
      .number()
      .min(least)
      .max(most ?? Number.MAX_VALUE),
  };
}

/** Finite numbers above 0, up to `most`. */
export function positive(most?: number): Kind<number> {
  return {
    type: most === undefined ? 'a number above 0' : `a number above 0, at most ${most}`,
    schema: z
      .number()
      .positive()
      .max(most ?? Number.MAX_VALUE),
  };
}

/** Numbers from 0 on that stay below 1. */
export const belowOne: Kind<number> = {
  type: 'a number from 0, below 1',
  schema: z.number().min(0).lt(1),
};

/** One of several words. */
export function oneOf<const Word extends string>(...words: readonly [Word, ...Word[]]): Kind<Word> {
  return { type: alternatives(words), isText: true, schema: z.enum(words) };
}

/** One word, or what another kind takes. */
export function wordOr<const Word extends string, Value>(word: Word, kind: Kind<Value>): Kind<Word | Value> {
  return { type: `${word} or ${kind.type}`, schema: z.union([z.literal(word), kind.schema]) };
}

/** What a kind takes, or null. */
export function orNull<Value>({ type, schema }: Kind<Value>): Kind<Value | null> {
  return { type: `${type}, or null`, schema: schema.nullable() };
}

/** A list of texts; one text alone stands for a list of it. */
export function texts(what: string, each: z.ZodType<string> = text.schema): Kind<string[]> {
  return {
    type: `a list of ${what}`,
    isText: true,
    schema: z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(each)),
  };
}

/** Text in a form that a pattern tells. */
export function textLike(type: string, pattern: RegExp): Kind<string> {
  return { type, isText: true, schema: text.schema.refine((value) => pattern.test(value)) };
}

/** `a, b or c`. */
export function alternatives(words: readonly string[]): string {
  return words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function rangeText(least: number, most: number | undefined): string {
  return most === undefined ? `of ${least} or more` : `from ${least} to ${most}`;
}
