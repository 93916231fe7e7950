import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { Admission } from '../service/admission.ts';
import { errorAnswer } from './answer-error.ts';
import { endLingering } from './linger.ts';

/** What a server refuses by itself. */
export interface SheddingOptions {
  readonly settings: ServerOptions;
  /** The queue that a request would wait in; undefined where it is to be handled, whatever waits. */
  readonly queueOf: (request: IncomingMessage) => Admission | undefined;
  /** Told of each request that was refused. */
  readonly onRefused: (path: string, seconds: number) => void;
}

/**
 * An HTTP server that answers 429 to requests for which there is no place, before anything of them but their head is read, and
 * leaves all others to `handler`. Refusing must cost little: where four times as much is asked for as can be answered, three of four
 * requests are refused, and what that takes is missing for the fourth.
 */
export function sheddingServer(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  { settings, queueOf, onRefused }: SheddingOptions,
): Server {
  return createServer(settings, (request, response) => {
    endLingering(request, response);
    const { url = '' } = request;
    const queue = queueOf(request);
    const refusal = queue?.refusal();
    if (queue === undefined || refusal === undefined) {
      handler(request, response);
      return;
    }
    const started = performance.now();
    const { status, body } = errorAnswer(refusal);
    const text = JSON.stringify(body);
    response.writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      'retry-after': String(queue.retryAfter),
      'x-content-type-options': 'nosniff',
    });
    response.end(text);
    onRefused(url, (performance.now() - started) / 1000);
  });
}
