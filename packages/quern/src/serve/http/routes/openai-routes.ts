import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { QuernError } from '../../../errors.ts';
import type { ReasonedRecord } from '../../../reason/reasoned-record.ts';
import { tokenEstimate } from '../../../search/token-estimate.ts';
import { reason, reasoned } from '../../service/reason.ts';
import type { Service } from '../../service/service.ts';
import { StatusError } from '../answer-error.ts';
import { answerEvents } from '../event-stream.ts';
import { route, type Call, type Route } from '../route.ts';
import { logQuestion } from './search-routes.ts';

/** The most samples of one request. */
const mostChoices = 16;

const contentSchema = z.union([
  z.string(),
  z.array(z.looseObject({ type: z.string(), text: z.string().optional() })).min(1),
]);

/**
 * What of OpenAI's request counts; other fields are let pass, as clients send what they have. How a reasoner samples is its
 * configuration's to say, since its prompt and its sampling belong together.
 */
const chatSchema = z.looseObject({
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

type ChatRequest = z.infer<typeof chatSchema>;

/** What clients of OpenAI's API ask for. */
export function openAiRoutes(service: Service): Route[] {
  const { limits } = service.config;
  const embeddingSchema = z.looseObject({
    model: z.string().describe('The name of an embedder.'),
    input: z
      .union([z.string(), z.array(z.string()).min(1).max(limits.texts)])
      .describe(`A text, or up to ${limits.texts} of them.`),
    encoding_format: z.enum(['float', 'base64']).nullish(),
    dimensions: z.int().min(1).nullish().describe("The embedder's own, where it is given at all."),
    input_type: z
      .enum(['query', 'document'])
      .nullish()
      .describe('How texts are meant, for embedders that make a difference. Default: document.'),
  });
  return [
    route({
      method: 'POST',
      path: '/v1/chat/completions',
      scope: 'read',
      tag: 'OpenAI',
      summary: 'A reasoned query, as a chat completion.',
      description:
        'The last message of the user is the question, and the answer the reasoned query. The prompt and the sampling are those that the reasoner is declared with; other messages and fields of sampling do not count. Where the reasoner fails, so does the request.',
      body: chatSchema,
      examples: {
        question: { model: 'qr', messages: [{ role: 'user', content: 'why does my bread not rise' }] },
      },
      answers: {
        200: {
          description: 'The completion, or with `stream` its pieces as events.',
          example: {
            id: 'chatcmpl-3f0c',
            object: 'chat.completion',
            created: 1_764_000_000,
            model: 'qr',
            choices: [
              { index: 0, message: { role: 'assistant', content: 'Yeast needs …' }, finish_reason: 'stop' },
            ],
            usage: { prompt_tokens: 68, completion_tokens: 212, total_tokens: 280 },
          },
        },
      },
      handle: (call) => chat(service, call),
    }),
    route({
      method: 'POST',
      path: '/v1/embeddings',
      scope: 'read',
      tag: 'OpenAI',
      summary: 'Vectors of texts.',
      description: '`usage` is an estimate: embedders do not tell how many tokens they read.',
      body: embeddingSchema,
      examples: { texts: { model: 'mini', input: ['why does my bread not rise'], input_type: 'query' } },
      answers: {
        200: {
          description: 'A vector of each text, in their order.',
          example: {
            object: 'list',
            data: [{ object: 'embedding', index: 0, embedding: [0.01, -0.02] }],
            model: 'mini',
            usage: { prompt_tokens: 8, total_tokens: 8 },
          },
        },
      },
      handle: ({ body, signal }) => embeddings(service, body, signal),
    }),
    route({
      method: 'GET',
      path: '/v1/models',
      scope: 'read',
      tag: 'OpenAI',
      summary: 'The names of reasoners and embedders.',
      answers: {
        200: {
          description: 'The names; `kind` says which is which.',
          example: {
            object: 'list',
            data: [{ id: 'qr', object: 'model', created: 0, owned_by: 'quern', kind: 'reasoner' }],
          },
        },
      },
      handle: async () => ({
        object: 'list',
        data: [
          ...service.reasoners.names.map((name) => listedModel(name, 'reasoner')),
          ...service.embedders.names.map((name) => listedModel(name, 'embedder')),
        ],
      }),
    }),
  ];
}

function listedModel(id: string, kind: 'reasoner' | 'embedder'): object {
  return { id, object: 'model', created: 0, owned_by: 'quern', kind };
}

async function chat(service: Service, call: Call<ChatRequest>): Promise<unknown> {
  const { body, signal, request } = call;
  const query = questionOf(body, service.config.limits.query);
  if ((body.tools ?? []).length > 0) throw unsupported('tools', 'a reasoner calls no tools');
  if (body.response_format && body.response_format.type !== 'text') {
    throw unsupported('response_format', 'a reasoned query is text');
  }
  logQuestion(service, request.log, { query });
  const { model: reasoner } = body;
  const head = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: reasoner };
  const count = body.n ?? 1;
  // A name that is none is told by the field that clients know.
  service.reasoners.named(reasoner, 'model');
  if (body.stream === true) return streamedChat(service, call, { query, reasoner, head, count });
  const made: ReasonedRecord[] = [];
  for (let sample = 0; sample < count; sample++) {
    made.push(usable(await reason(service, { query, reasoner, sample }, signal)));
  }
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

/** What is streamed. */
interface StreamedChat {
  readonly query: string;
  readonly reasoner: string;
  readonly head: object;
  readonly count: number;
}

function streamedChat(
  service: Service,
  { body, reply, signal }: Call<ChatRequest>,
  { query, reasoner, head, count }: StreamedChat,
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
    reasoned(service, { query, reasoner, sample }, signal);
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

/** The text of the last message of the user. Throws `BAD_INPUT` where there is none, or one that is too long. */
function questionOf({ messages }: ChatRequest, most: number): string {
  const at = messages.findLastIndex(({ role }) => role === 'user');
  const where = at < 0 ? 'messages' : `messages[${at}].content`;
  const content = messages[at]?.content ?? '';
  const text = typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('\n');
  if (typeof content !== 'string' && content.some(({ type }) => type !== 'text')) {
    throw unsupported(where, 'a question is text');
  }
  if (text.trim() === '') throw new QuernError('BAD_INPUT', 'there is no question of the user', { where });
  if (text.length <= most) return text;
  throw new QuernError('BAD_INPUT', `is longer than ${most} characters`, { where });
}

/** A chat completion that failed is an error, as there is no question that could stand alone. */
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

async function embeddings(
  service: Service,
  body: {
    readonly model: string;
    readonly input: string | readonly string[];
    readonly encoding_format?: 'float' | 'base64' | null | undefined;
    readonly dimensions?: number | null | undefined;
    readonly input_type?: 'query' | 'document' | null | undefined;
  },
  signal: AbortSignal,
): Promise<object> {
  const { model, input, dimensions, input_type: as = 'document', encoding_format: format } = body;
  const texts = typeof input === 'string' ? [input] : input;
  const long = texts.findIndex((text) => text.length > service.config.limits.query);
  if (long >= 0) {
    const where = typeof input === 'string' ? 'input' : `input[${long}]`;
    throw new QuernError('BAD_INPUT', `is longer than ${service.config.limits.query} characters`, { where });
  }
  const embedder = await service.embedders.named(model, 'model');
  if (dimensions !== undefined && dimensions !== null && dimensions !== embedder.dimensions) {
    throw unsupported('dimensions', `vectors of ${model} have ${embedder.dimensions} dimensions`);
  }
  const started = performance.now();
  const vectors = await service.embeddings.run(() => embedder.embed(texts, as ?? 'document', signal), signal);
  service.observer.stage('embed', (performance.now() - started) / 1000);
  const tokens = texts.reduce((sum, text) => sum + tokenEstimate(text), 0);
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: format === 'base64' ? base64(vector) : Array.from(vector),
    })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

/** Little-endian 32-bit floats. */
function base64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, i * 4);
  return bytes.toString('base64');
}

function unsupported(where: string, what: string): QuernError {
  return new QuernError('BAD_INPUT', what, { where, hint: 'Leave it out' });
}
