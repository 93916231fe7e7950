import type { FinishReason, ReasonedQuery, Reasoner, ReasonOptions } from '../src/reason/reasoner.ts';
import { reasonedQuery } from './reasoned-query.ts';

/** What a {@link scripted} reasoner writes, and how. */
export interface Script {
  readonly pieces: readonly string[];
  readonly finish?: FinishReason;
  /** Whether it ends where `enough` says. */
  readonly heeds?: boolean;
  readonly streams?: boolean;
}

/** A reasoner that writes these pieces, and remembers how many of them it has written. */
export function scripted({ pieces, finish = 'stop', heeds = true, streams = true }: Script): Reasoner & {
  readonly written: number;
} {
  let written = 0;
  async function* stream(
    asked: string,
    { enough }: ReasonOptions = {},
  ): AsyncGenerator<string, ReasonedQuery, undefined> {
    let text = '';
    for (const piece of pieces) {
      text += piece;
      written++;
      const end = heeds ? await enough?.(text) : undefined;
      if (end) {
        const rest = text.slice(text.length - piece.length, end.length);
        if (rest !== '') yield rest;
        return reasonedQuery(asked, { text: text.slice(0, end.length), finish: 'early' });
      }
      yield piece;
    }
    return reasonedQuery(asked, { text, finish });
  }
  return {
    id: 'scripted',
    parallel: 3,
    takesPassages: true,
    get written() {
      return written;
    },
    async reason(asked, options) {
      return (await told(stream(asked, options))).end;
    },
    ...(streams && { stream }),
    async cacheKey(asked) {
      return `key of ${asked}`;
    },
    async close() {},
  };
}

/** All pieces of a stream, and what it returns. */
export async function told(
  stream: AsyncGenerator<string, ReasonedQuery, undefined>,
): Promise<{ pieces: string[]; end: ReasonedQuery }> {
  const pieces: string[] = [];
  for (;;) {
    const { done, value } = await stream.next();
    if (done) return { pieces, end: value };
    pieces.push(value);
  }
}

/** A text in pieces of so many characters. */
export function inPieces(text: string, length: number): string[] {
  return Array.from({ length: Math.ceil(text.length / length) }, (_, at) =>
    text.slice(at * length, (at + 1) * length),
  );
}

/** What matters of an outcome: all but how much had been written of what was cut. */
export function essence({ text, finish, failure, cuts }: ReasonedQuery): unknown {
  return { text, finish, failure, cuts: cuts?.map(({ kind, why }) => ({ kind, why })) };
}
