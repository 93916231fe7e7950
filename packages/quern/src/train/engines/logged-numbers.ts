/** Numbers that an engine logged. */

/** The finite numbers of a line of JSON by their names, where it is an object; names that are no plain words are left out. */
export function numbersOf(text: string): Record<string, number> | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read)) return undefined;
  const numbers = Object.entries(read).filter(
    (entry): entry is [string, number] => Number.isFinite(entry[1]) && /^[\w@./-]{1,100}$/.test(entry[0]),
  );
  return Object.fromEntries(numbers);
}
