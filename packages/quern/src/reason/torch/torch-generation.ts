/** A completion as text, piece by piece, and where it is enough. */
import type { Tokenizer } from '@huggingface/tokenizers';
import type { TokenGenerator } from '../../models/torch/token-generation.ts';
import type { LocalGeneration, LocalRequest } from '../local-reasoner.ts';
import { PieceDecoder } from './piece-decoder.ts';
import { TokenQueue } from './token-queue.ts';

/** What {@link textCompletion} is asked for. */
export interface TextRequest extends LocalRequest {
  readonly generator: TokenGenerator;
  readonly tokenizer: Tokenizer;
  readonly endTokens: ReadonlySet<number>;
  readonly prompt: readonly number[];
}

/** Generates one completion and tells of its text in pieces of whole characters. Throws what generating throws. */
export async function textCompletion(request: TextRequest): Promise<LocalGeneration> {
  const { generator, tokenizer, endTokens, prompt, seed, enough, onPiece, signal } = request;
  const ending = new AbortController();
  const arrived = new TokenQueue();
  const generation = generator
    .generate({
      prompt,
      seeds: [seed],
      signal,
      ending: ending.signal,
      onToken: (_, token) => {
        if (!endTokens.has(token)) arrived.push(token);
      },
    })
    .finally(() => arrived.end());
  // It is awaited at the end; until then a failure is no unhandled one.
  generation.catch(() => undefined);
  const decoder = new PieceDecoder(tokenizer);
  let text = '';
  let isEnough = false;
  let read = 0;
  for await (const token of arrived) {
    read++;
    const piece = decoder.push(token);
    if (piece === '') continue;
    text += piece;
    onPiece(piece);
    const end = await enough?.(text);
    if (!end) continue;
    text = text.slice(0, end.length);
    isEnough = true;
    ending.abort();
    break;
  }
  const [completion] = await generation;
  if (!isEnough) {
    const rest = decoder.rest();
    text += rest;
    if (rest !== '') onPiece(rest);
  }
  return {
    text,
    finish: isEnough ? 'early' : completion.finish,
    completionTokens: read,
    tokensPerSecond: arrived.perSecond,
  };
}
