import { createHash } from 'node:crypto';

/** An id made of a text: 16 hexadecimal digits of the SHA-256 of it. */
export function contentId(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
