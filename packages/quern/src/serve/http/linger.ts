import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long what a client still sends after its answer is read and dropped, in milliseconds, so that it reads that. */
const patience = 2000;

/**
 * Ends the connection of a client that has its answer and does not come to the end of its request: Node would read on as long as a
 * request may take, which for uploads is an hour.
 */
export function endLingering(request: IncomingMessage, response: ServerResponse): void {
  response.once('finish', () => {
    if (request.complete) return;
    const timer = setTimeout(() => {
      if (!request.complete) request.destroy();
    }, patience).unref();
    request.once('close', () => clearTimeout(timer));
  });
}
