import { isUsableText } from '../reason/usable-text.ts';
import type { TextAnswer } from './question.ts';

/** Which answers of a question are its positives. */
export interface PositiveSettings {
  /** The most of them. */
  readonly most: number;
  /** The least score of the preferences data (`preferenceScore`); an answer that nothing scores passes. */
  readonly leastScore: number;
  /** How far below the best score another than the accepted one may be; any where it is not given. */
  readonly scoreGap?: number;
  /** The fewest characters of an answer. */
  readonly leastCharacters: number;
}

/** A question's positives, the best first. */
export interface Positives {
  readonly answers: readonly TextAnswer[];
  /** Why there are none. */
  readonly none?: 'no answer' | 'no answer that is good enough';
}

/**
 * The positives among a question's answers: the accepted one first, then by score, then in the order of their ids; an accepted
 * answer passes unless its votes are negative. (V2 of the paper's data takes the answers that the data has.)
 */
export function positivesOf(answers: readonly TextAnswer[], settings: PositiveSettings): Positives {
  const there = answers.filter(({ text, isDeleted }) => !isDeleted && isUsableText(text));
  if (there.length === 0) return { answers: [], none: 'no answer' };
  const ranked = there
    .filter(({ text }) => text.length >= settings.leastCharacters)
    .filter(
      ({ isAccepted, preference = Infinity }) =>
        preference >= (isAccepted ? Math.min(0, settings.leastScore) : settings.leastScore),
    )
    .toSorted(
      (a, b) =>
        Number(b.isAccepted) - Number(a.isAccepted) ||
        (b.preference ?? 0) - (a.preference ?? 0) ||
        (b.score ?? 0) - (a.score ?? 0),
    );
  const best = ranked.reduce((most, { preference = 0 }) => Math.max(most, preference), -Infinity);
  const near = ranked.filter(
    ({ isAccepted, preference }) =>
      isAccepted || preference === undefined || preference >= best - (settings.scoreGap ?? Infinity),
  );
  const taken: TextAnswer[] = [];
  for (const answer of near) {
    if (taken.length === settings.most) break;
    if (!taken.some(({ text }) => text === answer.text)) taken.push(answer);
  }
  return taken.length === 0 ? { answers: [], none: 'no answer that is good enough' } : { answers: taken };
}
