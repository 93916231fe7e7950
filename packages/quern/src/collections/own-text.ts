/**
 * A copy of `text` with characters of its own. In V8 a part of a string keeps the whole of it: what is kept of a line for
 * long would keep the line.
 */
export function ownText(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
