import { isUsableText } from '../usable-text.ts';
import { QuernError } from '../../errors.ts';
import type { Server } from '../../models/openai/openai-exchange.ts';
import { BarrenReply, printable } from '../../models/openai/openai-failure.ts';

/** Tokens as a server counts them. */
export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** A reply as it comes in, chunk by chunk. Nothing of what a server sends is trusted to have its form. */
export class Reply {
  text = '';
  /** Undefined until the server says why it ended. */
  finish?: 'stop' | 'length' | 'early';
  /** The last count that the server sent. */
  usage?: TokenUsage;
  /** Pieces of text: one or a few tokens each. */
  pieces = 0;
  readonly #mostCharacters: number;
  readonly #server: Server;

  constructor(mostCharacters: number, server: Server) {
    this.#mostCharacters = mostCharacters;
    this.#server = server;
  }

  /**
   * Adds a chunk (`choices[0].delta`) or a whole completion (`choices[0].message`) and returns the text it brings.
   * A model's thoughts (`reasoning_content`) are no part of the text. Throws `BAD_REPLY`.
   */
  add(chunk: unknown): string {
    if (!isRecord(chunk)) throw this.#bad('a chunk is not an object');
    this.usage = tokenUsage(chunk.usage) ?? this.usage;
    const choice: unknown = Array.isArray(chunk.choices)
      ? chunk.choices.find((one) => !isRecord(one) || (one.index ?? 0) === 0)
      : undefined;
    if (choice === undefined || choice === null) return '';
    if (!isRecord(choice)) throw this.#bad('a choice is not an object');
    const turn = choice.delta ?? choice.message;
    const content = isRecord(turn) ? (turn.content ?? '') : '';
    if (typeof content !== 'string') throw this.#bad('its content is not a text');
    if (this.text.length + content.length > this.#mostCharacters) {
      throw this.#bad(`it is longer than ${this.#mostCharacters} characters, and still goes on`);
    }
    this.#end(choice.finish_reason);
    this.text += content;
    if (content !== '') this.pieces++;
    return content;
  }

  /** Ends it, though the server would go on; where it is whole and all of it is kept, it ended by itself. */
  endEarly(length: number): void {
    if (this.finish !== undefined && length >= this.text.length) return;
    this.text = this.text.slice(0, length);
    this.finish = 'early';
  }

  /** Throws `BAD_REPLY` unless the reply is whole and says something. */
  check(): void {
    if (this.finish === undefined) throw this.#bad('it breaks off: no finish_reason came');
    const { secret } = this.#server;
    if (secret && this.text.includes(secret)) throw this.#barren('it repeats the key');
    if (isUsableText(this.text)) return;
    throw this.finish === 'length'
      ? this.#barren('it is empty, though its tokens are used up', {
          hint: 'A model that thinks first needs a larger maxTokens',
        })
      : this.#barren('it is empty');
  }

  #end(reason: unknown): void {
    if (reason === undefined || reason === null || reason === '') return;
    if (reason === 'stop' || reason === 'length') this.finish = reason;
    else if (reason === 'content_filter') {
      throw this.#barren("the server's content filter stopped it (content_filter)");
    } else {
      const told = typeof reason === 'string' ? printable(reason, this.#server.secret).slice(0, 40) : '?';
      throw this.#barren(`it ended for the reason ${JSON.stringify(told)}`);
    }
  }

  #bad(what: string): QuernError {
    return new QuernError('BAD_REPLY', unusable(what), { where: this.#server.where });
  }

  #barren(what: string, details: { hint?: string } = {}): BarrenReply {
    return new BarrenReply(unusable(what), { where: this.#server.where, ...details });
  }
}

function unusable(what: string): string {
  return `the reply cannot be used: ${what}`;
}

function tokenUsage(usage: unknown): TokenUsage | undefined {
  if (!isRecord(usage)) return undefined;
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = usage;
  return isCount(promptTokens) && isCount(completionTokens) ? { promptTokens, completionTokens } : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
