/**
 * A text from outside on one line: escape sequences, control characters and runs of white space become a space, and at most
 * `length` characters are kept.
 */
export function oneLine(text: string, length = 200): string {
  // oxlint-disable-next-line no-control-regex -- it is these that are not to reach a terminal
  const flat = text.replace(/(?:\u001b\[[0-9;]*m|[\p{Cc}\p{Cf}\s])+/gu, ' ').trim();
  return flat.length > length ? `${flat.slice(0, length - 1)}…` : flat;
}
