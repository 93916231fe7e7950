import { QuernError } from '../errors.ts';

/** One of the reasoners that a name of several is made of, and how many of its samples. */
export interface NamedMember {
  readonly name: string;
  readonly samples: number;
}

/** The most samples of one reasoner for one query. */
const mostSamples = 64;

/**
 * The reasoners that a name stands for: `join:A,B` for several, `3*A` for three samples of one, also within a `join`. One that
 * is neither stands for itself. A comma is between two names only where a reasoner's name begins after it, so that paths may
 * have commas. Throws `USAGE`.
 */
export function namedMembers(name: string): NamedMember[] {
  const joined = /^join:(.+)$/s.exec(name)?.[1];
  if (joined === undefined) return [samplesOf(name)];
  const names = joined.split(/,(?=(?:\d+\*)?(?:none$|none,|rm3$|rm3,|file:|llama:|torch:|openai:))/);
  return names.map(samplesOf);
}

/** Whether a name stands for several reasoned queries of each question. Throws `USAGE`. */
export function isSeveral(name: string): boolean {
  return namedMembers(name).reduce((sum, { samples }) => sum + samples, 0) > 1;
}

function samplesOf(name: string): NamedMember {
  const [, count, rest] = /^(\d+)\*(.+)$/s.exec(name) ?? [];
  if (count === undefined) return { name, samples: 1 };
  const samples = Number(count);
  if (samples >= 1 && samples <= mostSamples) return { name: rest, samples };
  throw new QuernError('USAGE', `from 1 to ${mostSamples} samples, not ${count}`, { where: name });
}
