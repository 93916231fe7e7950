import { QuernError } from '../../errors.ts';
import { hubUrl, type HubConnection, type HubReply } from './hub-request.ts';
import { retryAfter } from '../../retry-after.ts';
import { PassingFailure } from './hub-retry.ts';

/** What a repository of the hub holds. */
export type RepositoryKind = 'model' | 'dataset';

/** What was asked for, for errors. */
export interface Asked {
  /** `owner/name`. */
  readonly repository: string;
  readonly revision: string;
  /** What the repository holds. Default: a model. */
  readonly kind?: RepositoryKind;
  /** The file; absent where the list of files was asked for. */
  readonly file?: string;
}

/** How errors name what was asked for. */
export function askedName({ repository, revision, file }: Asked): string {
  return `${repository}@${revision}${file === undefined ? '' : `/${file}`}`;
}

/** The path of a repository's page, which is also that of its files. */
export function repositoryPath({ repository, kind }: Pick<Asked, 'repository' | 'kind'>): string {
  return kind === 'dataset' ? `datasets/${repository}` : repository;
}

/**
 * The error that a reply stands for which is not what was asked for: {@link PassingFailure} for 408, 429 and 5xx;
 * otherwise `DENIED`, `NOT_FOUND` or `BAD_REPLY`, by the status and the hub's own `X-Error-Code`.
 */
export function refusal(reply: HubReply, asked: Asked, { endpoint, token }: HubConnection): Error {
  const { status, headers, host } = reply;
  const where = askedName(asked);
  if (status === 408 || status === 429 || status >= 500) {
    const wait = retryAfter(headers, Date.now()) ?? 0;
    return new PassingFailure(`${host} ${answered(status, wait)}`, { retryAfter: wait });
  }
  const page = hubUrl(endpoint, repositoryPath(asked)).href;
  const word = reply.isHub ? headers.get('x-error-code') : null;
  // The hub answers 401 for what is not there too, so that nobody learns which private repositories are.
  if (word === 'RepoNotFound' && [401, 403, 404].includes(status)) {
    return new QuernError('NOT_FOUND', `no such repository on ${host}, or one that is private`, {
      where,
      hint: `Check its name; if it is private, ${tokenHint(token)}`,
    });
  }
  if (status === 401 || status === 403) return denied(reply, { where, page, kind: asked.kind }, token);
  if (status === 404 || status === 410) {
    return new QuernError('NOT_FOUND', missing(word, asked, host), { where, hint: `See ${page}` });
  }
  return new QuernError('BAD_REPLY', `${host} answers ${status}`, {
    where,
    hint: 'Check HF_ENDPOINT, and whether a proxy stands between',
  });
}

function answered(status: number, pause: number): string {
  const wait = pause > 0 ? `, and asks to wait ${Math.ceil(pause / 1000)} s` : '';
  return status === 429 ? `gets too many requests${wait}` : `answers ${status}${wait}`;
}

function denied(
  { host, isHub, headers }: HubReply,
  { where, page, kind }: { where: string; page: string; kind?: RepositoryKind },
  token: string | undefined,
): QuernError {
  if (!isHub) {
    return new QuernError('DENIED', `${host}, to which the hub redirects, refuses`, {
      where,
      hint: 'Try again later; if it stays so, ask whoever runs the network whether this host is blocked',
    });
  }
  const isGated = headers.get('x-error-code') === 'GatedRepo';
  return new QuernError(
    'DENIED',
    `${host} refuses: the ${kind === 'dataset' ? 'data set' : 'model'} ${isGated ? 'is gated' : 'may be gated or private'}`,
    { where, hint: `Accept its terms, if any, on ${page}, and ${tokenHint(token)}` },
  );
}

function tokenHint(token: string | undefined): string {
  return token === undefined
    ? 'set HF_TOKEN to an access token that may read it'
    : 'check that the access token which was sent (HF_TOKEN, or that of `hf auth login`) may read it';
}

function missing(word: string | null, { revision, file }: Asked, host: string): string {
  if (word === 'EntryNotFound') return `no such file on ${host}`;
  if (word === 'RevisionNotFound') return `no revision ${revision} of it on ${host}`;
  return file === undefined
    ? `no such repository, or no revision ${revision} of it, on ${host}`
    : `no such file, revision or repository on ${host}`;
}
