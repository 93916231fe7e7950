const mostCharacters = 200;

/** A foreign message as one line of at most 200 characters, without control characters. */
export function oneLine(message: string): string {
  // oxlint-disable-next-line no-control-regex -- it is these that are not to reach a terminal
  const plain = message.replace(/(?:\u001b\[[0-9;]*m|[\s\u0000-\u001f\u007f-\u009f])+/g, ' ').trim();
  return plain.length > mostCharacters ? `${plain.slice(0, mostCharacters - 1)}…` : plain;
}
