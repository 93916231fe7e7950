import type { FastifyReply } from 'fastify';
import { QuernError, type QuernErrorCode } from '../../errors.ts';

/** A code of ours, by the status that it is answered with. What is not here is a fault of the service: 500. */
const statuses: Partial<Record<QuernErrorCode, number>> = {
  USAGE: 400,
  BAD_INPUT: 400,
  ANALYZER_MISMATCH: 400,
  DENIED: 401,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  LOCKED: 409,
  TOO_LARGE: 413,
  OVERLOADED: 429,
  ABORTED: 499,
  UNAVAILABLE: 503,
  TIMEOUT: 504,
  DISK_FULL: 507,
};

/** What is told of the errors whose own words may name paths and addresses of the service: those stand in the log. */
const toldOf: Partial<Record<QuernErrorCode, string>> = {
  TIMEOUT: 'it took longer than it may',
  DISK_FULL: 'the service has no space left for it',
  MISSING_PACKAGE: 'the service lacks a package for it, which its log names',
};

/** What fastify finds wrong with a request, by the status. */
const hints: Readonly<Record<number, string>> = {
  413: 'Send less in one request; the limits stand in the configuration of the service',
  415: 'Send JSON, with the header Content-Type: application/json',
};

/** OpenAI's word for a kind of error, by the status: its clients read it. */
function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** What an error is answered with. */
export interface ErrorAnswer {
  readonly status: number;
  readonly body: {
    readonly error: {
      readonly code: string;
      readonly message: string;
      readonly type: string;
      /** The field of the request, for OpenAI's clients the same as `where`. */
      readonly param: string | null;
      readonly where?: string;
      readonly hint?: string;
    };
  };
}

/** An error with a status of its own. */
export class StatusError extends QuernError {
  readonly status: number;

  constructor(status: number, ...rest: ConstructorParameters<typeof QuernError>) {
    super(...rest);
    this.status = status;
  }
}

/** What is answered to an error. Of what is the service's own fault nothing is told but that it is. */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof QuernError) {
    const { code, what, where, hint } = error;
    const status = error instanceof StatusError ? error.status : statuses[code];
    if (status === undefined || code in toldOf) {
      return answered(status ?? 500, code, toldOf[code] ?? 'the service failed');
    }
    return answered(status, code, what, { where, hint });
  }
  const { statusCode, message = '' } = error as { readonly statusCode?: number; readonly message?: string };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return answered(statusCode, 'BAD_INPUT', message, { hint: hints[statusCode] });
  }
  return answered(500, 'INTERNAL', 'the service failed');
}

function answered(
  status: number,
  code: string,
  message: string,
  { where, hint }: { readonly where?: string | undefined; readonly hint?: string | undefined } = {},
): ErrorAnswer {
  const details = { ...(where !== undefined && { where }), ...(hint !== undefined && { hint }) };
  return {
    status,
    body: { error: { code, message, type: typeOf(status), param: where ?? null, ...details } },
  };
}

/** Answers with an error. `retryAfter` is in seconds. */
export function sendError(reply: FastifyReply, error: unknown, retryAfter: number): FastifyReply {
  const { status, body } = errorAnswer(error);
  if ((status === 429 || status === 503) && !reply.hasHeader('retry-after')) {
    void reply.header('retry-after', String(retryAfter));
  }
  if (status === 401) void reply.header('www-authenticate', 'Bearer realm="quern"');
  return reply.status(status).send(body);
}
