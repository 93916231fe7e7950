import { QuernError } from '../errors.ts';

/** Feedback rounds: reason, retrieve, show the model what was found, reason again. */
export interface Rounds {
  /** How often the model is asked at most: 2 is one round of feedback. */
  readonly count: number;
  /** Whether what all rounds wrote is searched, or what the last one did. Default `all`. */
  readonly keep?: 'all' | 'last';
  /** Passages that a round shows, each but once. Default 5. */
  readonly passages?: number;
  /** Words that a passage has at most. Default 120. */
  readonly passageWords?: number;
  /** No further round begins once prompts and completions have taken so many tokens. Default 8,000. */
  readonly tokens?: number;
  /**
   * No further round begins after so many milliseconds, and one under way is broken off; the first round has the deadline of
   * its reasoner.
   */
  readonly deadline?: number;
}

/** The settings with their defaults. Throws `USAGE`. */
export function checkedRounds(rounds: Rounds): Required<Omit<Rounds, 'deadline'>> & Pick<Rounds, 'deadline'> {
  const { count, keep = 'all', passages = 5, passageWords = 120, tokens = 8000, deadline } = rounds;
  for (const [name, value] of Object.entries({ count, passages, passageWords, tokens })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new QuernError('USAGE', `is a whole number of 1 or more, not ${value}`, {
      where: `rounds ${name}`,
    });
  }
  if (!['all', 'last'].includes(keep)) {
    throw new QuernError('USAGE', `is all or last, not ${String(keep)}`, { where: 'rounds keep' });
  }
  if (deadline !== undefined && !(deadline > 0)) {
    throw new QuernError('USAGE', `is a positive number of milliseconds, not ${deadline}`, {
      where: 'rounds deadline',
    });
  }
  return { count, keep, passages, passageWords, tokens, deadline };
}
