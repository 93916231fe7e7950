import type { ProgressNotification } from '@modelcontextprotocol/sdk/types.js';

/** Every so many milliseconds a client is told that work goes on. */
const every = 1000;

/** What a call came with that says whether, and how, its client is told of progress. */
export interface ProgressAsked {
  readonly _meta?: { readonly progressToken?: string | number };
  sendNotification(notification: ProgressNotification): Promise<void>;
}

/**
 * Tells a client that asked for it, now and once a second, how work goes on: `progress` is the number of the message. What is
 * returned ends that, and must be called before the call is answered.
 */
export function reportProgress(
  { _meta, sendNotification }: ProgressAsked,
  message: () => string,
): () => void {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return () => undefined;
  let progress = 0;
  const tell = (): void => {
    const params = { progressToken, progress: ++progress, message: message() };
    // A client that has gone needs no word of it.
    sendNotification({ method: 'notifications/progress', params }).catch(() => undefined);
  };
  tell();
  const timer = setInterval(tell, every);
  return () => clearInterval(timer);
}
