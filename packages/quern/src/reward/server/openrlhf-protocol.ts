/**
 * OpenRLHF's protocol of a remote reward: a request holds lists `query` (prompt and response as one text), `prompts` and
 * `labels`, an answer lists `rewards`, `scores` and `extra_logs`. Its client posts a sample a request.
 */
import * as z from 'zod';
import { QuernError } from '../../errors.ts';
import type { RewardItem, RewardResult } from '../reward.ts';

const bodySchema = z.object({
  query: z.array(z.string()),
  prompts: z.array(z.string()),
  labels: z.array(z.unknown()),
});

const positivesSchema = z.array(z.string().regex(/\S/u)).min(1);

/** What a label may have beside its positives. */
const labelFields = {
  query: z.string().regex(/\S/u).optional(),
  positiveIds: z.array(z.string()).optional(),
};

const labelSchema = z.union([
  z
    .string()
    .regex(/\S/u)
    .transform((positive) => ({ positives: [positive], query: undefined, positiveIds: undefined })),
  positivesSchema.transform((positives) => ({ positives, query: undefined, positiveIds: undefined })),
  z.object({ ...labelFields, positives: positivesSchema }),
  // The label of the reference's training data, and of what `quern curate` writes.
  z
    .object({ ...labelFields, pos_docs_list: positivesSchema })
    .transform(({ pos_docs_list: positives, ...fields }) => ({ ...fields, positives })),
]);

/** What is answered: a number a sample in each list. */
export interface OpenRlhfAnswer {
  readonly rewards: readonly number[];
  /** The rewards between 0 and 1 (see {@link openRlhfScore}), by which OpenRLHF filters groups. */
  readonly scores: readonly number[];
  /** The parts of the rewards by their names, 0 where a sample has none, and whether it `failed`. */
  readonly extra_logs: Readonly<Record<string, readonly number[]>>;
}

/**
 * The items of a request. A label is a list of positives, or an object `{positives, query?, positiveIds?}` (or
 * `pos_docs_list` for `positives`), as JSON; where it holds no query, that is read from the prompt. Throws `BAD_INPUT`
 * naming the sample and the field.
 */
export function openRlhfItems(body: unknown): RewardItem[] {
  const parsed = bodySchema.safeParse(body);
  if (!parsed.success)
    throw badRequest(parsed.error, 'The body is {"query": […], "prompts": […], "labels": […]}');
  const { query, prompts, labels } = parsed.data;
  if (prompts.length !== query.length || labels.length !== query.length) {
    throw new QuernError(
      'BAD_INPUT',
      `the lists differ in length: query ${query.length}, prompts ${prompts.length}, labels ${labels.length}`,
    );
  }
  return query.map((whole, i): RewardItem => {
    const label = labelOf(labels[i], `labels[${i}]`);
    const { positives, positiveIds } = label;
    const question = label.query ?? questionOf(prompts[i]!);
    if (question === undefined) {
      throw new QuernError('BAD_INPUT', 'neither the label nor the prompt holds the question', {
        where: `prompts[${i}]`,
        hint: 'Put it into the label: {"query": "…", "positives": ["…"]}',
      });
    }
    const completion = responseOf(whole, prompts[i]!)?.replace(endOfTurn, '');
    if (completion === undefined) {
      throw new QuernError('BAD_INPUT', 'does not begin with its prompt', { where: `query[${i}]` });
    }
    return { query: question, completion, positives, ...(positiveIds && { positiveIds }) };
  });
}

/**
 * What OpenRLHF is answered. Its trainer joins the logs of samples that were answered apart, so each answer has all
 * `partNames`, also where a completion failed before it had parts.
 */
export function openRlhfAnswer(
  results: readonly RewardResult[],
  partNames: readonly string[] = [],
): OpenRlhfAnswer {
  const names = new Set([...partNames, ...results.flatMap(({ parts }) => Object.keys(parts))]);
  const logs = Array.from(names, (name) => [name, results.map(({ parts }) => parts[name] ?? 0)] as const);
  return {
    rewards: results.map(({ reward }) => reward),
    scores: results.map(({ reward }) => openRlhfScore(reward)),
    extra_logs: {
      ...Object.fromEntries(logs),
      failed: results.map(({ failure }) => (failure === undefined ? 0 : 1)),
    },
  };
}

/**
 * An answer as JSON, each number with a point or an exponent: its trainer makes tensors of them, and of `-1` one of integers,
 * which has no mean.
 */
export function openRlhfJson({ rewards, scores, extra_logs: logs }: OpenRlhfAnswer): string {
  const named = Object.entries(logs).map(([name, numbers]) => `${JSON.stringify(name)}:${listed(numbers)}`);
  return `{"rewards":${listed(rewards)},"scores":${listed(scores)},"extra_logs":{${named.join(',')}}}`;
}

function listed(numbers: readonly number[]): string {
  return `[${numbers.map(floatText).join(',')}]`;
}

function floatText(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** A reward as a number between 0 and 1, in the same order: `1 / (1 + exp(-reward))`, so that 0 (no gain) is in the middle. */
export function openRlhfScore(reward: number): number {
  return 1 / (1 + Math.exp(-reward));
}

/** What begins the assistant's turn in Qwen's template, the last of it before a response. */
const assistantTurn = '<|im_start|>assistant\n';

/** What ends a response of Qwen's models, which it is sent with. */
const endOfTurn = /(?:<\|(?:im_end|endoftext)\|>)+$/;

/** As much of the start of a text as is searched for in a prompt. */
const startLength = 32;

/**
 * The response at the end of prompt and response. A prompt that was too long has lost its start; where a tokenizer changed it,
 * the response is the assistant's last turn. Undefined where neither is found.
 */
function responseOf(whole: string, prompt: string): string | undefined {
  if (whole.startsWith(prompt)) return whole.slice(prompt.length);
  const start = whole.slice(0, startLength);
  let tries = 0;
  for (let at = prompt.indexOf(start, 1); at > 0 && tries < 100; at = prompt.indexOf(start, at + 1)) {
    if (start.length === startLength && whole.startsWith(prompt.slice(at))) {
      return whole.slice(prompt.length - at);
    }
    tries++;
  }
  const turn = whole.lastIndexOf(assistantTurn);
  return turn < 0 ? undefined : whole.slice(turn + assistantTurn.length);
}

/** The question in a prompt of ours: after `Question:` or `Query:`, up to the end of the turn. */
export function questionOf(prompt: string): string | undefined {
  const mark = /(?:Query|Question): /.exec(prompt);
  if (!mark) return undefined;
  const rest = prompt.slice(mark.index + mark[0].length);
  const end = rest.indexOf('<|im_end|>');
  return (end < 0 ? rest : rest.slice(0, end)).trim() || undefined;
}

function labelOf(label: unknown, where: string): z.infer<typeof labelSchema> {
  let value = label;
  if (typeof label === 'string') {
    try {
      value = JSON.parse(label);
    } catch (cause) {
      throw new QuernError('BAD_INPUT', 'is not JSON', {
        where,
        hint: 'A label is {"query": "…", "positives": ["…"]} or a list of positives',
        cause,
      });
    }
  }
  const parsed = labelSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new QuernError('BAD_INPUT', 'holds no positives, which are texts, one or more', {
    where,
    hint: 'A label is {"query": "…", "positives": ["…"]} or a list of positives',
  });
}

/** The first thing that is wrong with a body, as an error that names the place. */
export function badRequest({ issues: [issue] }: z.ZodError, hint: string): QuernError {
  const path = issue.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('');
  return new QuernError('BAD_INPUT', issue.message, { where: path.replace(/^\./, '') || 'body', hint });
}
