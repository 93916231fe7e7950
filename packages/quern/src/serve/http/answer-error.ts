import type { FastifyReply } from 'fastify';
import { QuernError, type QuernErrorCode } from '../../errors.ts';

/** The status that a code of ours is answered with. What is not here is a fault of the service: 500. */
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
  NETWORK: 502,
  BAD_REPLY: 502,
  UNAVAILABLE: 503,
  TIMEOUT: 504,
  DISK_FULL: 507,
};

/** The status of what is not the request's, but of a file or a server that the service needs. */
const ownStatuses: Partial<Record<QuernErrorCode, number>> = {
  ...statuses,
  DENIED: 502,
  OVERLOADED: 503,
  USAGE: 500,
  BAD_INPUT: 500,
  ANALYZER_MISMATCH: 500,
  NOT_FOUND: 500,
  ALREADY_EXISTS: 500,
};

/** What is told of the errors whose own words may name paths and addresses of the service: those stand in the log. */
const toldOf: Partial<Record<QuernErrorCode, string>> = {
  NETWORK: 'a server that it needs does not answer',
  BAD_REPLY: 'a server that it needs does not answer as it should',
  TIMEOUT: 'it took longer than it may',
  DISK_FULL: 'the service has no space left for it',
  MISSING_PACKAGE: 'the service lacks a package for it, which its log names',
};

/**
 * A field of a request, a header or a parameter, or a place in what is uploaded, as it is named there; other errors name files and
 * servers.
 */
const fieldPattern =
  /^(?:[\w[\].-]{1,200}|(?:corpus\.jsonl|queries\.jsonl|qrels\/[\w-]+\.tsv)(?::\d+)?|(?:corpora|indexes)\/[\w-]+)$/;

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

/** The error for what a service that ends does not take, or not bring to its end. */
export function shuttingDown(): StatusError {
  return new StatusError(503, 'UNAVAILABLE', 'the service is shutting down', { hint: 'Ask another' });
}

/** What is answered to an error. Of what is the service's own fault nothing is told but that it is. */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof StatusError) return answered(error.status, error.code, error.what, error);
  if (error instanceof QuernError) {
    const { code, what, where } = error;
    if (where !== undefined && !fieldPattern.test(where)) {
      const status = ownStatuses[code] ?? 500;
      const told =
        status === 500 ? 'the service failed' : 'a server that it needs does not answer as it should';
      return answered(status, code, toldOf[code] ?? told);
    }
    const told = toldOf[code] ?? (statuses[code] === undefined ? 'the service failed' : undefined);
    return answered(statuses[code] ?? 500, code, told ?? what, told === undefined ? error : {});
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
    body: {
      error: {
        code,
        message: sentence(message, where),
        type: typeOf(status),
        param: where ?? null,
        ...details,
      },
    },
  };
}

/** What is wrong, with its field as the subject where it has none of its own: many clients show the message alone. */
function sentence(what: string, where: string | undefined): string {
  return where !== undefined && /^(?:is|has|holds|must|repeats|goes) /.test(what) ? `${where} ${what}` : what;
}

/** Whether an error is the service's own, which its log is to tell of. One that says its status says enough. */
export function isFault(error: unknown): boolean {
  return !(error instanceof StatusError) && errorAnswer(error).status >= 500;
}

/** Answers with an error; one that may pass with the seconds after which to try again. */
export function sendError(reply: FastifyReply, error: unknown): FastifyReply {
  const { status, body } = errorAnswer(error);
  if ((status === 429 || status === 503) && !reply.hasHeader('retry-after')) {
    const { retryAfter = 1 } = error as { readonly retryAfter?: number };
    void reply.header('retry-after', String(retryAfter));
  }
  if (status === 401) void reply.header('www-authenticate', 'Bearer realm="quern"');
  return reply.status(status).send(body);
}
