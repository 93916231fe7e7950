import { splitLot } from './draw.ts';

/** The parts of a training set. */
export const splitNames = ['train', 'validation', 'test'] as const;
export type SplitName = (typeof splitNames)[number];

/** The shares of questions, from 0 to 1, that are not for training. */
export interface SplitShares {
  readonly validation: number;
  readonly test: number;
}

/** The part that a question belongs to: by its id alone, so that neither more data nor another seed moves it. */
export function splitOf(id: string, { validation, test }: SplitShares): SplitName {
  const lot = splitLot(id);
  if (lot < test) return 'test';
  return lot < test + validation ? 'validation' : 'train';
}
