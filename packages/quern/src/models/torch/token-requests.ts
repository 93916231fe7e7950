/** What a generator of tokens is told and asked, and what it answers. */
import { QuernError, throwIfAborted } from '../../errors.ts';
import type { Qwen2Config } from '../checkpoint/qwen2-config.ts';
import { samplingOf, type Sampling } from '../sampling.ts';

/** What a generator is made for. */
export interface TokenGeneratorSettings {
  /** Where nothing is said: temperature 1, and neither top-k nor top-p nor a penalty, which is the model's own distribution. */
  readonly sampling: Partial<Sampling> & Pick<Sampling, 'maxTokens'>;
  /** Tokens that end a completion. Default: those that the model's configuration names. */
  readonly endTokens?: readonly number[];
  /** The most completions at a time. Default: 16. */
  readonly rows?: number;
  /** Prompt tokens that are evaluated at a time. Default: 512. */
  readonly promptChunk?: number;
}

/** A prompt and the completions that are wanted of it. */
export interface TokenRequest {
  readonly prompt: readonly number[];
  /** One completion for each, drawn from the stream of this seed (a whole number). */
  readonly seeds: readonly number[];
  /** Told of each token as it is drawn. */
  readonly onToken?: (completion: number, token: number) => void;
  /** Ends what is under way: what there is is returned, with `finish: 'early'`. */
  readonly ending?: AbortSignal;
  /** Gives up: the call throws `ABORTED`. */
  readonly signal?: AbortSignal;
}

/** A completion. */
export interface TokenCompletion {
  /** The token that ended it included. */
  readonly tokens: readonly number[];
  /** Of each token under the model, as its logits are. */
  readonly logProbabilities: readonly number[];
  /** Of each token under what it was drawn from: after penalty, temperature, top-k and top-p. */
  readonly drawnLogProbabilities: readonly number[];
  readonly finish: 'stop' | 'length' | 'early';
}

/** {@link TokenGeneratorSettings} with all that was left out. */
export type CheckedSettings = Required<TokenGeneratorSettings> & { readonly sampling: Sampling };

/** The model's own distribution; how many tokens is for the caller to say. */
const plainSampling: Sampling = { temperature: 1, topP: 1, topK: 0, repetitionPenalty: 1, maxTokens: NaN };

/** Settings whole and checked. Throws `USAGE`. */
export function checkedSettings(settings: TokenGeneratorSettings, config: Qwen2Config): CheckedSettings {
  const { rows = 16, promptChunk = 512, endTokens = config.endTokens } = settings ?? {};
  const sampling = samplingOf(plainSampling, settings?.sampling);
  for (const [name, value] of Object.entries({ rows, promptChunk })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new QuernError('USAGE', 'is a whole number from 1', { where: name });
  }
  if (!Array.isArray(endTokens) || !endTokens.every((token) => Number.isInteger(token))) {
    throw new QuernError('USAGE', 'is a list of numbers of tokens', { where: 'endTokens' });
  }
  if (sampling.maxTokens >= config.positions) {
    throw new QuernError('USAGE', `is below ${config.positions}, the positions of the model`, {
      where: 'maxTokens',
    });
  }
  return { rows, promptChunk, endTokens, sampling };
}

function checkedSeeds(seeds: unknown): readonly number[] {
  if (!Array.isArray(seeds)) throw new QuernError('BAD_INPUT', 'seeds are a list of whole numbers');
  return Array.from(seeds, (seed: unknown) => {
    if (Number.isSafeInteger(seed)) return seed as number;
    throw new QuernError('BAD_INPUT', 'seeds are whole numbers');
  });
}

/** A request as it is from here on, whatever becomes of the caller's object. Throws `USAGE`, `BAD_INPUT` and `ABORTED`. */
export function checkedRequest(
  given: TokenRequest,
  settings: CheckedSettings,
  config: Qwen2Config,
): TokenRequest {
  const { prompt, seeds, onToken, ending, signal } = given ?? {};
  for (const [name, each] of Object.entries({ ending, signal })) {
    if (each !== undefined && !(each instanceof AbortSignal)) {
      throw new QuernError('USAGE', 'is no AbortSignal', { where: name });
    }
  }
  throwIfAborted(signal);
  if (onToken !== undefined && typeof onToken !== 'function') {
    throw new QuernError('USAGE', 'is no function', { where: 'onToken' });
  }
  return {
    prompt: checkedPrompt(prompt, settings, config),
    seeds: checkedSeeds(seeds),
    onToken,
    ending,
    signal,
  };
}

function checkedPrompt(
  prompt: unknown,
  { sampling: { maxTokens } }: CheckedSettings,
  { vocabularySize, positions }: Qwen2Config,
): readonly number[] {
  if (!Array.isArray(prompt)) throw new QuernError('BAD_INPUT', 'the prompt is no list of tokens');
  if (prompt.length === 0) throw new QuernError('BAD_INPUT', 'the prompt has no tokens');
  if (prompt.length + maxTokens > positions) {
    const what = `the prompt has ${prompt.length} tokens; with ${maxTokens} new ones the model takes ${positions - maxTokens}`;
    throw new QuernError('BAD_INPUT', what, { hint: 'Ask a shorter question' });
  }
  return Array.from(prompt, (token: unknown) => {
    if (typeof token !== 'number' || !Number.isInteger(token) || token < 0) {
      throw new QuernError(
        'BAD_INPUT',
        'the prompt is a list of numbers of tokens, which are whole and from 0',
      );
    }
    if (token < vocabularySize) return token;
    throw new QuernError('BAD_INPUT', `the prompt has the token ${token}; the model has ${vocabularySize}`, {
      hint: 'The tokenizer belongs to another checkpoint',
    });
  });
}
