import * as z from 'zod';
import { excerpt } from '../../../collections/jsonl.ts';
import { QuernError } from '../../../errors.ts';
import { namePattern, unknownName } from '../../configuration/names.ts';

/** What a tool is handed beside its arguments. */
export interface ToolCall {
  /** Aborted when the client cancels the call, or goes. */
  readonly signal: AbortSignal;
  /** Tells the client, where it asked for it, that work goes on, until what is returned is called. */
  report(message: () => string): () => void;
}

/** A tool that agents can call. */
export interface Tool<I = unknown> {
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** For agents: what it does, when to call it, what comes back. */
  readonly description: string;
  /** What its arguments must be; it names what there is now. */
  input(): z.ZodType<I>;
  /** What it returns. */
  readonly output: z.ZodType;
  /** What is returned, as JSON of at most {@link mostText} characters. Throws what the service does. */
  call(input: I, call: ToolCall): Promise<object>;
}

/** The most characters (UTF-16 code units) of a tool's result as JSON: an agent reads all of it. */
export const mostText = 8000;

/** The most names that a schema lists. */
const mostNames = 100;

/** A tool with the type of its arguments hidden, so that several are a list. */
export function tool<I>(definition: Tool<I>): Tool {
  return definition as unknown as Tool;
}

/** A text among names. The schema lists them; what is not among them is refused by {@link chosen}, in words. */
export function nameSchema(description: string, names: readonly string[]) {
  const listed = names.length > 0 && names.length <= mostNames && { enum: [...names] };
  return z.string().meta({ description, ...listed });
}

/** A name that is among `names`. Throws `NOT_FOUND`, which tells what there is. */
export function chosen(kind: string, name: string, names: readonly string[]): string {
  if (names.includes(name)) return name;
  throw unknownName(kind, namePattern.test(name) ? name : excerpt(name), names, kind);
}

/** Arguments that are what they must be. Throws `BAD_INPUT` for the first that is not. */
export function checkedArguments<I>({ input }: Tool<I>, given: unknown): I {
  const schema = input();
  const checked = schema.safeParse(given ?? {});
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0]!;
  if (issue.code === 'unrecognized_keys') {
    const known = schema instanceof z.ZodObject ? Object.keys(schema.shape as object) : [];
    throw new QuernError('BAD_INPUT', `there is no argument ${excerpt(issue.keys[0]!)}`, {
      hint: known.length === 0 ? 'It takes none' : `There are ${known.join(', ')}`,
    });
  }
  const [field] = issue.path;
  const isText = issue.code === 'invalid_type' && issue.expected === 'string';
  const what = hasNot(given, field) ? 'is missing' : isText ? 'must be a text' : issue.message;
  throw new QuernError('BAD_INPUT', `${field === undefined ? 'the arguments' : String(field)} ${what}`);
}

function hasNot(given: unknown, field: PropertyKey | undefined): boolean {
  return field !== undefined && !(typeof given === 'object' && given !== null && Object.hasOwn(given, field));
}
