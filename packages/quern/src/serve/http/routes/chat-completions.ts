import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { QuernError } from '../../../errors.ts';
import { inOrder } from '../../../in-order.ts';
import { promptedQuery } from '../../../reason/prompt.ts';
import type { ReasonedRecord } from '../../../reason/reasoned-record.ts';
import { stopSignal } from '../../../stop-signal.ts';
import { reason, reasoned, type ReasonRequest } from '../../service/reason.ts';
import type { Service } from '../../service/service.ts';
import { StatusError } from '../answer-error.ts';
import { answerEvents } from '../event-stream.ts';
import { withLog } from '../logged-service.ts';
import type { Call } from '../route.ts';
import { logQuestion } from './search-routes.ts';

/** The most samples of one request. */
const mostChoices = 16;

const contentSchema = z.union(
  [z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() })).min(1)],
  { error: 'is a text, or a list of parts such as {"type": "text", "text": "…"}' },
);

/**
 * What of OpenAI's request counts; other fields are let pass, as clients send what they have. How a reasoner samples is its
 * configuration's to say, since its prompt and its sampling belong together.
 */
export const chatSchema = z.looseObject({
  model: z
    .string()
    .describe('The name of a reasoner.')
    .meta({ examples: ['qr'] }),
  messages: z
    .array(z.looseObject({ role: z.string(), content: contentSchema.nullish() }))
    .min(1)
    .describe('The last message of the user is the question.'),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.int().min(1).max(mostChoices).nullish().describe('How many samples.'),
  tools: z.array(z.unknown()).nullish(),
  response_format: z.looseObject({ type: z.string() }).nullish(),
});

/** A request for a chat completion, checked. */
export type ChatRequest = z.infer<typeof chatSchema>;

/**
 * Answers a request for a chat completion, whole or with `stream` in pieces. Throws what reasoning throws, and 502, or 504 where it
 * was late, for a reasoner that failed: there is no question that could stand alone.
 */
export async function chat(given: Service, call: Call<ChatRequest>): Promise<unknown> {
  const { body, signal, request } = call;
  const query = questionOf(body, given.config.limits.query);
  if ((body.tools ?? []).length > 0) throw unsupported('tools', 'a reasoner calls no tools');
  if (body.response_format && body.response_format.type !== 'text') {
    throw unsupported('response_format', 'a reasoned query is text');
  }
  logQuestion(given, request.log, { query });
  const service = withLog(given, request.log, query);
  const { model: reasoner } = body;
  const asked = { query, reasoner, field: 'model' };
  const head = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: reasoner };
  const count = body.n ?? 1;
  if (body.stream === true) return streamedChat(service, call, { asked, head, count });
  const made = await samples(service, asked, count, signal);
  return {
    ...head,
    object: 'chat.completion',
    choices: made.map((each, index) => ({
      index,
      message: { role: 'assistant', content: each.text, refusal: null },
      logprobs: null,
      finish_reason: finishReason(each),
    })),
    usage: usageOf(made),
  };
}

/** So many samples, as many at once as the reasoner takes; where one fails, the others are broken off. */
async function samples(
  service: Service,
  asked: ReasonRequest,
  count: number,
  outer: AbortSignal,
): Promise<ReasonedRecord[]> {
  const { signal, stop } = stopSignal(outer);
  const numbers = Array.from({ length: count }, (_, sample) => sample);
  const { learns, of } = service.reasoners.named(asked.reasoner, 'model');
  const parallel = learns ? 1 : (of(undefined).parallel ?? 1);
  // More at once than there are places would be refused where none may wait.
  const { concurrent = parallel } = service.config.limits.generations;
  const made: ReasonedRecord[] = [];
  try {
    const each = inOrder(numbers, Math.min(parallel, concurrent), async (sample) =>
      usable(await reason(service, { ...asked, sample }, signal)),
    );
    for await (const one of each) made.push(one);
    return made;
  } finally {
    stop();
  }
}

/** What is streamed. */
interface StreamedChat {
  readonly asked: ReasonRequest;
  readonly head: object;
  readonly count: number;
}

function streamedChat(
  service: Service,
  { body, reply, signal }: Call<ChatRequest>,
  { asked, head, count }: StreamedChat,
): Promise<unknown> {
  const chunk = (choices: readonly object[], rest: object = {}): object => ({
    ...head,
    object: 'chat.completion.chunk',
    choices,
    ...rest,
  });
  const delta = (index: number, content: object, finish: string | null = null): object =>
    chunk([{ index, delta: content, logprobs: null, finish_reason: finish }]);
  const piecesOf = (sample: number): ReturnType<typeof reasoned> =>
    reasoned(service, { ...asked, sample }, signal);
  const firstPieces = piecesOf(0);
  return answerEvents(
    reply,
    signal,
    async () => {
      const first = await firstPieces.next();
      if (first.done === true) usable(first.value);
      return first;
    },
    async ({ send, sendText }, begun) => {
      const made: ReasonedRecord[] = [];
      for (let index = 0; index < count; index++) {
        const pieces = index === 0 ? firstPieces : piecesOf(index);
        send(undefined, delta(index, { role: 'assistant', content: '' }));
        for (let next = index === 0 ? begun : await pieces.next(); ; next = await pieces.next()) {
          if (next.done === true) {
            made.push(usable(next.value));
            send(undefined, delta(index, {}, finishReason(next.value)));
            break;
          }
          send(undefined, delta(index, { content: next.value }));
        }
      }
      if (body.stream_options?.include_usage === true) send(undefined, chunk([], { usage: usageOf(made) }));
      sendText('[DONE]');
    },
  );
}

/**
 * The question: the text of the last message of the user, without Quern's own prompt where it is in that already, as of a Quern
 * that asks this one. Throws `BAD_INPUT` where there is none, or one that is too long.
 */
function questionOf({ messages }: ChatRequest, most: number): string {
  const at = messages.findLastIndex(({ role }) => role === 'user');
  const where = at < 0 ? 'messages' : `messages[${at}].content`;
  const content = messages[at]?.content ?? '';
  const said = typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('\n');
  const text = promptedQuery(said) ?? said;
  if (typeof content !== 'string' && content.some(({ type }) => type !== 'text')) {
    throw unsupported(where, 'a question is text');
  }
  if (text.trim() === '') throw new QuernError('BAD_INPUT', 'there is no question of the user', { where });
  if (text.length <= most) return text;
  throw new QuernError('BAD_INPUT', `is longer than ${most} characters`, { where });
}

function usable(made: ReasonedRecord): ReasonedRecord {
  const { failure } = made;
  if (failure === undefined) return made;
  throw new StatusError(failure.code === 'TIMEOUT' ? 504 : 502, failure.code, failure.message, {
    where: 'model',
  });
}

function finishReason({ finish }: ReasonedRecord): 'stop' | 'length' {
  return finish === 'length' ? 'length' : 'stop';
}

function usageOf(made: readonly ReasonedRecord[]): object {
  const prompt = made.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
  const completion = made.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

function unsupported(where: string, what: string): QuernError {
  return new QuernError('BAD_INPUT', what, { where, hint: 'Leave it out' });
}
