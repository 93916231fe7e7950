/** How long to wait before a request is sent again. */

const BASE_MILLISECONDS = 500;
const LONGEST_MILLISECONDS = 20_000;

/**
 * Exponential backoff with full jitter: a random time up to 0.5 s · 2^retries, at most 20 s, so that callers that failed
 * together do not come back together; and never less than the server asks for.
 */
export function retryWait(retries: number, random: () => number, asked = 0): number {
  return Math.max(asked, random() * Math.min(LONGEST_MILLISECONDS, BASE_MILLISECONDS * 2 ** retries));
}
