import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { QuernError } from '../../errors.ts';
import { isLoopback } from '../../reward/server/access.ts';
import type { DeclaredToken, ListenSettings, Scope } from '../configuration/service-config.ts';
import { allows, shownToken } from '../configuration/tokens.ts';
import { StatusError } from './answer-error.ts';

/** Who may do what. */
export interface AccessSettings {
  readonly listen: ListenSettings;
  /** None: whoever reaches the service may do all. */
  readonly tokens: readonly DeclaredToken[];
}

/**
 * Throws `USAGE` where a service would be reached from elsewhere and asks for no token, unless `isOpen` says that it shall be.
 */
export function checkServiceReach({ listen, tokens }: AccessSettings, isOpen: boolean): void {
  if (isLoopback(listen.host) || tokens.length > 0 || isOpen) return;
  throw new QuernError('USAGE', `${listen.host} is reached from elsewhere, and no token is asked for`, {
    where: 'listen.host',
    hint: 'Declare tokens (quern serve token makes one), put one into QUERN_TOKEN, or allow anybody: --allow-anonymous',
  });
}

/**
 * The name in a `Host` header, without its port and a dot at its end, and in lower case; addresses as browsers write them.
 * Undefined where it is none.
 */
export function hostName(host: string | undefined): string | undefined {
  const [, name] = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host ?? '') ?? [];
  if (name === undefined || !URL.canParse(`http://${name}`)) return undefined;
  return new URL(`http://${name}`).hostname.replace(/\.$/, '');
}

/**
 * Throws 421 for a request whose `Host` is none by which the service is reached: a page elsewhere can make a browser send
 * requests here under a name of its own, which it lets point to this machine (DNS rebinding). A service that other machines reach
 * is also reached by any address, which nobody can rebind.
 */
export function checkHost(host: string | undefined, { host: bound, hosts }: ListenSettings): void {
  const name = hostName(host);
  if (name !== undefined) {
    const bare = bareAddress(name);
    if (isLoopback(bare) || hosts.some((each) => hostName(each) === name)) return;
    if (bare === bareAddress(hostName(bound) ?? bound.toLowerCase())) return;
    if (!isLoopback(bound) && isIP(bare) !== 0) return;
  }
  throw new StatusError(421, 'DENIED', 'is no name of this service', {
    where: 'host',
    hint: 'List the names by which it is reached under listen.hosts in its configuration',
  });
}

/**
 * The `Host` that a request is for: that of its address, where that is a whole one, counts more than the header. Undefined where
 * there are two headers, of which others on the way may have taken either.
 */
export function hostAsked({ url = '/', headers, headersDistinct }: IncomingMessage): string | undefined {
  if (!url.startsWith('/') && URL.canParse(url)) return new URL(url).host;
  // A request that is injected rather than sent has no distinct ones.
  const given = (headersDistinct as IncomingMessage['headersDistinct'] | undefined)?.['host'];
  const [host, ...more] = given ?? (headers.host === undefined ? [] : [headers.host]);
  return more.length === 0 ? host : undefined;
}

/** An IPv6 address without its brackets. */
function bareAddress(name: string): string {
  return name.replace(/^\[|\]$/g, '');
}

/**
 * Throws 403 for a request that a page elsewhere sends, by what browsers say of it; who is no browser says nothing. A page of the
 * service itself has its host as origin.
 */
export function checkOrigin(
  { origin, host, 'sec-fetch-site': site }: Readonly<Record<string, unknown>>,
  { origins }: ListenSettings,
): void {
  if (origin === undefined && (site === undefined || site === 'same-origin' || site === 'none')) return;
  if (typeof origin === 'string') {
    if (origins.includes(origin)) return;
    if (URL.canParse(origin) && new URL(origin).host === String(host).toLowerCase()) return;
  }
  throw new StatusError(403, 'DENIED', 'pages elsewhere may not ask this service', {
    where: 'origin',
    hint: 'List the origin under listen.origins in the configuration',
  });
}

/** The token of `Authorization: Bearer TOKEN`; undefined where there is none. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
}

/**
 * Who sends a request: the name of the token, or undefined where none is asked for. Throws `DENIED` for a token that is missing or
 * wrong (401), or does not allow what needs `scope` (403).
 */
export function checkToken(
  authorization: string | undefined,
  scope: Scope,
  tokens: readonly DeclaredToken[],
): string | undefined {
  if (tokens.length === 0) return undefined;
  const shown = bearerToken(authorization);
  const token = shown === undefined ? undefined : shownToken(tokens, shown);
  if (token === undefined) {
    throw new QuernError('DENIED', `the token is ${shown === undefined ? 'missing' : 'wrong'}`, {
      where: 'authorization',
      hint: 'Send it as Authorization: Bearer TOKEN',
    });
  }
  if (allows(token.scope, scope)) return token.name;
  throw new StatusError(
    403,
    'DENIED',
    `the token ${token.name} allows ${token.scope}, and this needs ${scope}`,
    {
      where: 'authorization',
    },
  );
}
