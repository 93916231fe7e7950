/** Questions and answers as the sources have them, before anything is converted or left out. */

/** Who wrote a post, as far as the source tells. */
export interface Author {
  readonly name?: string;
  /** The address of their page. */
  readonly profile?: string;
}

/** What questions and answers have in common. */
interface PostFacts {
  /** As HTML or as plain text, see {@link PostedQuestion.isHtml}. */
  readonly body: string;
  readonly isHtml: boolean;
  /** Net votes, where the source has them. */
  readonly score?: number;
  readonly isDeleted?: boolean;
  readonly author?: Author;
  /** The address of the post. */
  readonly url?: string;
  readonly licence?: string;
}

/** A question. */
export interface PostedQuestion extends PostFacts {
  readonly kind: 'question';
  /** Unique over all sources: the site, a slash and the site's number, or an id of the source's own. */
  readonly id: string;
  /** What it is about: the site's name for Stack Exchange (see `siteDomain`). */
  readonly domain: string;
  /** What its split is decided by, where that is not its id. */
  readonly splitKey?: string;
  /** Plain text. */
  readonly title?: string;
  /** The id of its accepted answer. */
  readonly acceptedAnswer?: string;
  /** The answers, where they come with the question. */
  readonly answers?: readonly PostedAnswer[];
}

/** An answer. */
export interface PostedAnswer extends PostFacts {
  readonly kind: 'answer';
  /** Unique over all sources. */
  readonly id: string;
  /** The id of its question. */
  readonly question: string;
  /** The domain of its question. */
  readonly domain: string;
  /** Whether it is the accepted one, where the answer itself tells. */
  readonly isAccepted?: boolean;
  /** The score of the preferences data; else it is derived from the votes (`preferenceScore`). */
  readonly preference?: number;
}

export type Post = PostedQuestion | PostedAnswer;

/** A question with all of its answers. */
export interface AnsweredQuestion extends Omit<PostedQuestion, 'answers'> {
  readonly answers: readonly PostedAnswer[];
}
