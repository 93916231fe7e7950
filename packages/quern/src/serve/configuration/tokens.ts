import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { scopes, type DeclaredToken, type Scope } from './service-config.ts';

/** The fewest characters of a token that is given rather than made: shorter ones can be guessed. */
export const leastTokenLength = 16;

/** A token that nobody can guess: 256 random bits. */
export function newToken(): string {
  return `quern_${randomBytes(32).toString('base64url')}`;
}

/** SHA-256 of a token, in hexadecimal. It needs no slow hash, as tokens are random and not words that could be tried. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/**
 * The declared token that was shown, or undefined. All are compared, each in a time that does not tell where hashes differ.
 */
export function shownToken(tokens: readonly DeclaredToken[], shown: string): DeclaredToken | undefined {
  const hash = Buffer.from(tokenHash(shown), 'hex');
  let found: DeclaredToken | undefined;
  for (const token of tokens) if (timingSafeEqual(hash, Buffer.from(token.hash, 'hex'))) found ??= token;
  return found;
}

/** Whether a scope allows what needs another. */
export function allows(scope: Scope, needed: Scope): boolean {
  return scopes.indexOf(scope) >= scopes.indexOf(needed);
}
