import type { Author } from './post.ts';

/** An answer as text. */
export interface TextAnswer {
  readonly id: string;
  readonly text: string;
  readonly isAccepted: boolean;
  /** Net votes, where the source has them. */
  readonly score?: number;
  /** The preferences data's score, given or derived (`preferenceScore`); missing where nothing tells. */
  readonly preference?: number;
  readonly isDeleted?: boolean;
  readonly author?: Author;
  readonly url?: string;
  readonly licence?: string;
}

/** A question as text, with its answers in the order of their ids. */
export interface TextQuestion {
  readonly id: string;
  readonly domain: string;
  /** What its split is decided by, where that is not its id. */
  readonly splitKey?: string;
  /** Its lot, see `lotOf`. */
  readonly draw: number;
  readonly title?: string;
  /** Its title, a blank line, its body; the body alone where it has no title. */
  readonly text: string;
  readonly hasImage: boolean;
  readonly score?: number;
  readonly isDeleted?: boolean;
  readonly author?: Author;
  readonly url?: string;
  readonly licence?: string;
  readonly answers: readonly TextAnswer[];
}
