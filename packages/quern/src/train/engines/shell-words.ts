/** Words for people to copy into a POSIX shell; nothing here is given to one. */

/** A word as a shell reads it back. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command with its variables, each argument after the program on a line of its own where there are many. */
export function shellCommand(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${shellWord(value)}`);
  return [...variables, ...[program, ...args].map(shellWord)].join(' ');
}
