import type { LlamaContextSequence, LlamaModel, SequenceEvaluateOptions, Token } from 'node-llama-cpp';
import { QuernError, throwIfAborted } from '../../errors.ts';
import { randomIntegers } from '../../random.ts';
import type { LocalGeneration } from '../local-reasoner.ts';
import type { Enough } from '../reasoner.ts';
import type { Sampling } from '../sampling.ts';
import { chosenToken } from './token-choice.ts';

/** What {@link generated} is asked for. */
export interface GenerationRequest {
  readonly model: LlamaModel;
  /** A sequence that holds the first tokens of the prompt, evaluated. */
  readonly sequence: LlamaContextSequence;
  readonly prompt: readonly Token[];
  readonly sampling: Sampling;
  readonly seed: number;
  /** Asked after each piece of text; see {@link Enough}. */
  readonly enough?: Enough;
  readonly signal?: AbortSignal;
}

/** Prompt tokens that are evaluated between two looks at the signal. */
const chunkTokens = 128;

/**
 * Generates until the model ends its turn, `maxTokens` are reached or the text is enough, and yields the text in pieces of
 * whole characters. Tokens are drawn by {@link chosenToken} from llama.cpp's top-k after its repetition penalty (over prompt
 * and completion, as transformers and vLLM have it); with neither top-k nor top-p llama.cpp draws itself. Throws `ABORTED`,
 * between two tokens.
 */
export async function* generated(
  request: GenerationRequest,
): AsyncGenerator<string, LocalGeneration, undefined> {
  const { model, sequence, prompt, sampling, enough, signal } = request;
  const rest = prompt.slice(sequence.nextTokenIndex);
  for (; rest.length > chunkTokens; throwIfAborted(signal)) {
    await sequence.evaluateWithoutGeneratingNewTokens(rest.splice(0, chunkTokens));
  }
  const tokens: Token[] = [];
  const drawn = draws(request, rest, tokens);
  const undecoded: Token[] = [];
  let text = '';
  let finish: LocalGeneration['finish'] = 'length';
  let firstAt = 0;
  let lastAt = 0;
  for await (const token of drawn) {
    throwIfAborted(signal);
    if (model.isEogToken(token)) {
      finish = 'stop';
      break;
    }
    lastAt = performance.now();
    if (tokens.length === 0) firstAt = lastAt;
    undecoded.push(token);
    tokens.push(token);
    const preceding = tokens.slice(-4 - undecoded.length, -undecoded.length);
    const piece = model.detokenize(undecoded, false, preceding);
    // A character of several bytes can be spread over tokens; a token can also be no text at all.
    if (!piece.endsWith('\ufffd') || undecoded.length > 8) {
      undecoded.length = 0;
      if (piece !== '') {
        text += piece;
        yield piece;
        const end = await enough?.(text);
        if (end) {
          text = text.slice(0, end.length);
          finish = 'early';
          break;
        }
      }
    }
    if (tokens.length >= sampling.maxTokens) break;
  }
  const last = undecoded.length === 0 ? '' : model.detokenize(undecoded, false);
  if (last !== '') {
    text += last;
    yield last;
  }
  const seconds = (lastAt - firstAt) / 1000;
  return {
    text,
    finish,
    completionTokens: tokens.length,
    tokensPerSecond: seconds > 0 ? (tokens.length - 1) / seconds : undefined,
  };
}

/** The tokens as they are drawn. `completion` is the caller's list of them, which it keeps. */
async function* draws(
  { sequence, prompt, sampling, seed }: GenerationRequest,
  rest: Token[],
  completion: readonly Token[],
): AsyncGenerator<Token, void, undefined> {
  const { temperature, topK, topP, repetitionPenalty, maxTokens } = sampling;
  const penalty: SequenceEvaluateOptions = {
    yieldEogToken: true,
    ...(repetitionPenalty !== 1 && {
      repeatPenalty: {
        penalty: repetitionPenalty,
        punishTokens: () => [...prompt, ...completion],
        maxPunishTokens: prompt.length + maxTokens,
      },
    }),
  };
  if (topK === 0 && topP === 1 && temperature > 0) {
    // Of all tokens, and none cut off: there is no order to keep, and llama.cpp need not hand out the whole vocabulary.
    yield* sequence.evaluate(rest, { ...penalty, temperature, topK: 0, topP, minP: 0, seed });
    return;
  }
  const random = randomIntegers(seed);
  const likeliest = sequence.evaluateWithMetadata(
    rest,
    { probabilities: true },
    // Temperature 1 and no other cut, so that the probabilities are the model's own.
    { ...penalty, temperature: 1, topK: temperature === 0 ? 1 : topK, topP: 1, minP: 0, seed },
  );
  try {
    let next = await likeliest.next();
    while (next.done !== true) {
      const token = chosenToken(next.value.probabilities, sampling, random()) as Token;
      yield token;
      next = await likeliest.next(token);
    }
    throw new QuernError('BAD_REPLY', 'the model stopped without ending its turn');
  } finally {
    await likeliest.return();
  }
}
