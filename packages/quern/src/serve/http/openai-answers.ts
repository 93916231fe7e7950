import * as z from 'zod';

const count = z.int().min(0);
const usage = z.object({ prompt_tokens: count, completion_tokens: count, total_tokens: count });
const finish = z.enum(['stop', 'length']);

/** What a chat completion is answered with. */
export const completionAnswer = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: count,
      message: z.object({ role: z.literal('assistant'), content: z.string(), refusal: z.null() }),
      logprobs: z.null(),
      finish_reason: finish,
    }),
  ),
  usage,
});

/** What each event of a streamed chat completion holds. */
export const chunkAnswer = z.object({
  id: z.string(),
  object: z.literal('chat.completion.chunk'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: count,
      delta: z.object({ role: z.literal('assistant').optional(), content: z.string().optional() }),
      logprobs: z.null(),
      finish_reason: finish.nullable(),
    }),
  ),
  usage: usage.optional(),
});

/** What a request for embeddings is answered with. */
export const embeddingsAnswer = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      object: z.literal('embedding'),
      index: count,
      embedding: z
        .union([z.array(z.number()), z.string()])
        .describe('Numbers, or little-endian 32-bit floats in Base64.'),
    }),
  ),
  model: z.string(),
  usage: z.object({ prompt_tokens: count, total_tokens: count }),
});

/** A reasoner or an embedder as OpenAI lists models. */
export const modelAnswer = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  kind: z.enum(['reasoner', 'embedder']),
});

/** What `GET /v1/models` answers. */
export const modelsAnswer = z.object({ object: z.literal('list'), data: z.array(modelAnswer) });
