import { QuernError } from '../../errors.ts';
import { BarrenReply, ConnectionFailure, Refusal, type ServerError } from './openai-failure.ts';

/**
 * Whose fault it is that a request came to nothing:
 *
 * - `question`: any server would answer so (a request that is too long, a reply without a text);
 * - `busy`: the server asks to come back later (429, or `Retry-After`);
 * - `unreached`: nothing listens there, so that the request never came to it;
 * - `refused`: the server would answer anything so: it lacks the model, or the key is not for it;
 * - `failed`: everything else (5xx, silence, a broken connection, what is no reply).
 */
export type FaultKind = 'question' | 'busy' | 'unreached' | 'refused' | 'failed';

/** What went wrong at one of several servers. */
export interface ServerFault {
  readonly kind: FaultKind;
  /** As callers see it; it names the server. */
  readonly error: QuernError;
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfter?: number;
}

/** Statuses that tell of a request, and not of where it was sent. */
const ofTheRequest = new Set([400, 413, 414, 422, 431, 451]);

/** The system's words for connections that never came to be. */
const unconnected = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const passing = new Set([408, 409, 425]);

/** Whose fault an error of a single attempt is; undefined for what is none of a server: being stopped, wrong usage, a defect. */
export function faultOf(error: unknown): ServerFault | undefined {
  if (!(error instanceof QuernError)) return undefined;
  if (error instanceof Refusal) {
    const { retryAfter } = error.told;
    return { kind: kindOf(error.told), error, ...(retryAfter !== undefined && { retryAfter }) };
  }
  if (error instanceof BarrenReply) return { kind: 'question', error };
  if (!['NETWORK', 'TIMEOUT', 'BAD_REPLY'].includes(error.code)) return undefined;
  const isUnreached = error instanceof ConnectionFailure && unconnected.has(error.system ?? '');
  return { kind: isUnreached ? 'unreached' : 'failed', error };
}

function kindOf({ status, kind, message, retryAfter, shouldRetry }: ServerError): FaultKind {
  if (/insufficient_quota|billing/.test(kind)) return 'refused';
  // Without a status it is an error in the middle of a stream.
  if (status === undefined) return 'failed';
  if (status === 429 || shouldRetry === true || (status >= 500 && retryAfter !== undefined)) return 'busy';
  if (status >= 500 || passing.has(status)) return 'failed';
  const lacksModel = /model_not_found/.test(kind) || /^invalid model name/i.test(message);
  return ofTheRequest.has(status) && !lacksModel ? 'question' : 'refused';
}
