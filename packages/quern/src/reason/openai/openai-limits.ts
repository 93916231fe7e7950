import { QuernError } from '../../errors.ts';
import type { ReasonerConfiguration } from '../configuration.ts';

/** How far a server is waited for and burdened. */
export interface Limits {
  readonly concurrency: number;
  readonly retries: number;
  /** How long it may send nothing, in milliseconds. */
  readonly idle: number;
  /** How long a call may take over all its attempts, in milliseconds. */
  readonly total: number;
  /** How long none of several servers may answer, in milliseconds. */
  readonly outage: number;
}

/** The seconds that none of several servers may answer where somebody waits for one reasoned query. */
const usualOutage = 10;

/** The limits that a configuration sets. Throws `USAGE` for one that could not be kept. */
export function limitsOf({
  concurrency = 8,
  retries = 4,
  timeout = 60,
  totalTimeout = 600,
  outage = usualOutage,
}: ReasonerConfiguration): Limits {
  check(Number.isSafeInteger(concurrency) && concurrency >= 1, 'concurrency', 'a whole number from 1 up');
  check(Number.isSafeInteger(retries) && retries >= 0, 'retries', 'a whole number from 0 up');
  // Node's own fetch waits for 300 s.
  check(timeout > 0 && timeout <= 300, 'timeout', 'a number of seconds over 0, at most 300');
  check(totalTimeout > 0 && totalTimeout <= 86_400, 'totalTimeout', 'a number of seconds, at most a day');
  check(outage > 0 && outage <= 86_400, 'outage', 'a number of seconds over 0, at most a day');
  return {
    concurrency,
    retries,
    idle: timeout * 1000,
    total: totalTimeout * 1000,
    outage: outage * 1000,
  };
}

function check(isInRange: boolean, where: string, range: string): void {
  if (!isInRange) throw new QuernError('USAGE', `is ${range}`, { where });
}
