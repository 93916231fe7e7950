import type { ChatTurn } from '../prompt.ts';
import type { Sampling } from '../sampling.ts';
import type { ServerError } from '../../models/openai/openai-failure.ts';

/** The body of `POST /chat/completions`, as the protocol spells it; `top_k` and `repetition_penalty` are vLLM's. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: ChatTurn[];
  readonly n: 1;
  readonly stream: true;
  readonly stream_options?: { readonly include_usage: true };
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
  readonly repetition_penalty?: number;
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly seed?: number;
}

const optionalFields = [
  'temperature',
  'top_p',
  'top_k',
  'repetition_penalty',
  'seed',
  'stream_options',
  'max_tokens',
] as const;

/** A field that some servers refuse. Without `max_tokens`, the limit is sent as `max_completion_tokens`. */
export type OptionalField = (typeof optionalFields)[number];

/** The request for a chat: every value of the sampling in it, but the fields that the server refuses. */
export function chatRequest(
  model: string,
  messages: ChatTurn[],
  sampling: Sampling,
  seed: number,
  refused: ReadonlySet<OptionalField>,
): ChatRequest {
  const { temperature, topP, topK, repetitionPenalty, maxTokens } = sampling;
  const optional = {
    stream_options: { include_usage: true } as const,
    temperature,
    top_p: topP,
    // All tokens: -1 is what every version of vLLM, SGLang and llama.cpp takes for that.
    top_k: topK === 0 ? -1 : topK,
    repetition_penalty: repetitionPenalty,
    max_tokens: maxTokens,
    seed,
  };
  for (const field of refused) delete (optional as Partial<typeof optional>)[field];
  const limit = refused.has('max_tokens') ? { max_completion_tokens: maxTokens } : {};
  return { model, messages, n: 1, stream: true, ...optional, ...limit };
}

/**
 * The fields that a server's error refuses and that can be left out, of those that were sent. Empty where the error is
 * about something else: a query that is too long, a value out of range.
 */
export function refusedFields(error: ServerError, refused: ReadonlySet<OptionalField>): OptionalField[] {
  if (error.status !== 400 && error.status !== 422) return [];
  const sent = optionalFields.filter((field) => !refused.has(field));
  const saysUnsupported =
    /un(supported|known|expected|recogni[sz]ed)|not (supported?|permitted|allowed)|extra/i.test(
      `${error.kind} ${error.message}`,
    );
  const tooLong = /too (large|long|many)|maximum context/i.test(error.message);
  const canGo = (field: OptionalField): boolean => {
    if (field === 'top_k' || field === 'repetition_penalty' || field === 'seed') return true;
    if (field !== 'max_tokens') return saysUnsupported;
    return !tooLong && (saysUnsupported || error.message.includes('max_completion_tokens'));
  };
  const named = sent.filter((field) => error.fields.includes(field));
  const mentioned =
    named.length > 0 ? named : sent.filter((field) => new RegExp(`\\b${field}\\b`).test(error.message));
  if (mentioned.length > 0) return mentioned.filter(canGo);
  if (!saysUnsupported || tooLong || error.fields.length > 0) return [];
  return sent.filter((field) => field === 'top_k' || field === 'repetition_penalty');
}
