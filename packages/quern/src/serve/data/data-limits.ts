import { QuernError } from '../../errors.ts';

/** What the data folder takes at most. */
export interface DataLimits {
  /** Bytes of one file that is received, unless the call says less or more. Default 4 GiB. */
  readonly mostFileBytes: number;
  /** Bytes of all corpora and indexes, what is on its way included. Default 100 GiB. */
  readonly mostTotalBytes: number;
  /** Bytes that the volume keeps free. Default 256 MiB. */
  readonly leastFreeBytes: number;
  readonly mostCorpora: number;
  /** Files of one corpus's judgements. */
  readonly mostSplits: number;
  readonly mostIndexes: number;
  /** Bytes of one line. Default 8 MiB. */
  readonly longestLine: number;
  /** Files that are received at once. */
  readonly mostReceived: number;
  /** Builds that wait, the one under way not counted. */
  readonly mostWaiting: number;
}

export const defaultDataLimits: DataLimits = {
  mostFileBytes: 4 * 2 ** 30,
  mostTotalBytes: 100 * 2 ** 30,
  leastFreeBytes: 256 * 2 ** 20,
  mostCorpora: 100,
  mostSplits: 100,
  mostIndexes: 100,
  longestLine: 8 * 2 ** 20,
  mostReceived: 8,
  mostWaiting: 8,
};

/** Throws `TOO_LARGE` unless there may be one more than are there. */
export function checkRoomFor(what: 'corpora' | 'indexes' | 'splits', there: number, most: number): void {
  if (there < most) return;
  throw new QuernError('TOO_LARGE', `there are ${there} ${what}, and no more are kept`, {
    hint: 'Delete one that is no longer needed',
  });
}
