import type { SearchAnswer } from '../../service/answers.ts';

/** A hit of a ranking on the way. */
export interface FrameHit {
  readonly id: string;
  readonly score: number;
  readonly rank: number;
}

/** What would be found if the text ended here. */
export interface Frame {
  /** The texts up to there, in the order of the reasoners. */
  readonly texts: readonly string[];
  readonly tokens: number;
  readonly milliseconds: number;
  readonly hits: readonly FrameHit[];
}

/** A search as it has come so far. */
export interface Watched {
  /** All that was written so far, of each reasoner. */
  readonly texts: readonly string[];
  readonly frames: readonly Frame[];
  /** Of documents, by their ids: they are told once. */
  readonly titles: ReadonlyMap<string, string>;
  /** When it has ended well. */
  readonly answer?: SearchAnswer;
}

export const nothingYet: Watched = { texts: [], frames: [], titles: new Map() };

/** A search after one more event of it; events of other names say nothing here. */
export function afterEvent(watched: Watched, name: string, data: unknown): Watched {
  switch (name) {
    case 'piece':
      return { ...watched, texts: afterPiece(watched.texts, data as PieceEvent) };
    case 'ranking':
      return afterRanking(watched, data as RankingEvent);
    case 'done':
      return { ...watched, answer: data as SearchAnswer };
    default:
      return watched;
  }
}

interface PieceEvent {
  readonly text: string;
  readonly part: number;
  /** Whether the text comes anew. */
  readonly isStart?: true;
}

interface RankingEvent {
  readonly lengths: readonly number[];
  readonly tokens: number;
  readonly milliseconds: number;
  readonly hits: readonly (FrameHit & { readonly title?: string })[];
}

function afterPiece(texts: readonly string[], { text, part, isStart }: PieceEvent): string[] {
  const all = Array.from({ length: Math.max(texts.length, part + 1) }, (_, i) => texts[i] ?? '');
  all[part] = isStart ? text : all[part]! + text;
  return all;
}

function afterRanking(watched: Watched, { lengths, tokens, milliseconds, hits }: RankingEvent): Watched {
  const told = hits.filter(({ title }) => title !== undefined);
  const titles =
    told.length === 0
      ? watched.titles
      : new Map([...watched.titles, ...told.map(({ id, title }) => [id, title!] as const)]);
  const frame = {
    texts: lengths.map((length, i) => (watched.texts[i] ?? '').slice(0, length)),
    tokens,
    milliseconds,
    hits,
  };
  return { ...watched, titles, frames: [...watched.frames, frame] };
}

/** The places that can be looked at: one for each frame, and one for the answer. */
export function placesOf({ frames, answer }: Watched): number {
  return frames.length + (answer ? 1 : 0);
}

/** Milliseconds from one frame to the next, so that the eye follows, and the whole takes no longer than some seconds. */
export function paceOf(frames: number): number {
  return Math.min(100, 4000 / Math.max(1, frames));
}

/** What is shown at a place. */
export interface Shown {
  readonly texts: readonly string[];
  readonly hits: readonly FrameHit[];
  /** Whether it is the answer, and not a ranking on the way. */
  readonly isAnswer: boolean;
  readonly tokens?: number;
}

/** What stands at a place, from 0; undefined where there is none. */
export function shownAt(watched: Watched, place: number): Shown | undefined {
  const { frames, answer } = watched;
  if (answer && place >= frames.length) {
    return { texts: answerTexts(answer), hits: answer.hits, isAnswer: true };
  }
  const frame = frames[place];
  return frame && { texts: frame.texts, hits: frame.hits, isAnswer: false, tokens: frame.tokens };
}

/** The texts of an answer, of each reasoner. */
export function answerTexts({ reasoned }: SearchAnswer): string[] {
  return (reasoned.parts ?? [reasoned]).map(({ text }) => text);
}
