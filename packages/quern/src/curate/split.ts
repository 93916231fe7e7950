import { splitLot } from './draw.ts';

/** The parts of a training set. */
export const splitNames = ['train', 'validation', 'test'] as const;
export type SplitName = (typeof splitNames)[number];

/** The shares of questions, from 0 to 1, that are not for training. */
export interface SplitShares {
  readonly validation: number;
  readonly test: number;
}

/**
 * The part that a question belongs to: by its id alone (of own questions, the id that their file gives them), so that
 * neither more data nor another seed nor another name of a file moves it.
 */
export function splitOf(
  { id, splitKey = id }: { readonly id: string; readonly splitKey?: string },
  { validation, test }: SplitShares,
): SplitName {
  const lot = splitLot(splitKey);
  if (lot < test) return 'test';
  return lot < test + validation ? 'validation' : 'train';
}
