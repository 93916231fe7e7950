import { createHash, timingSafeEqual } from 'node:crypto';
import { QuernError } from '../../errors.ts';

/** What of a request says who sends it, and to whom. */
export interface RequestOrigin {
  readonly authorization?: string;
  readonly host?: string;
}

const loopbackNames = new Set(['127.0.0.1', 'localhost', '::1', '[::1]']);

/** Whether an address can be reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return loopbackNames.has(host.toLowerCase()) || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Throws `USAGE` where a server would be reached from elsewhere and asks for no token. */
export function checkReach(host: string, token: string | undefined): void {
  if (isLoopback(host) || token !== undefined) return;
  throw new QuernError('USAGE', `${host} is reached from elsewhere, and no token is asked for`, {
    where: '--host',
    hint: 'Put a token into QUERN_TOKEN or a file (--token-file), or leave --host out',
  });
}

/**
 * Whether a request shows the token, as `Bearer TOKEN` or as the password of `Basic` (clients that take no headers send that for
 * `http://quern:TOKEN@HOST`), or, without a token, names this machine as its host: a page in a browser could not make it do so
 * for a name of its own.
 */
export function isAllowed({ authorization, host }: RequestOrigin, token: string | undefined): boolean {
  if (token !== undefined) return isEqual(shownToken(authorization ?? ''), token);
  return isLoopback((host ?? '').replace(/:\d+$/, ''));
}

/** Throws `DENIED` for a request that is not allowed (see {@link isAllowed}), saying what it lacks. */
export function checkAccess(origin: RequestOrigin, token: string | undefined): void {
  if (isAllowed(origin, token)) return;
  if (token === undefined) throw new QuernError('DENIED', 'is not a name of this machine', { where: 'host' });
  throw new QuernError('DENIED', 'the token is missing or wrong', {
    where: 'authorization',
    hint: 'Send it as Authorization: Bearer TOKEN; quern_reward.py takes it from QUERN_REWARD_TOKEN',
  });
}

function shownToken(authorization: string): string {
  const [, scheme = '', value = ''] = /^(\S+) (.*)$/su.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic') return '';
  const [, password = ''] = /^[^:]*:(.*)$/su.exec(Buffer.from(value, 'base64').toString('utf8')) ?? [];
  return password;
}

/** In a time that says nothing of where they differ. */
function isEqual(shown: string, token: string): boolean {
  const [a, b] = [shown, token].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(a!, b!);
}
