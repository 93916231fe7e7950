/** The name that takes the fewest edits to come to, where those are few for its length; undefined where none is near. */
export function nearestName<Name extends string>(given: string, names: readonly Name[]): Name | undefined {
  if (given.length > 64) return undefined;
  let nearest: Name | undefined;
  let fewest = Infinity;
  for (const name of names) {
    const edits = editDistance(given.toLowerCase(), name);
    if (edits < fewest) [nearest, fewest] = [name, edits];
  }
  return fewest <= Math.max(2, Math.floor(given.length / 3)) ? nearest : undefined;
}

/** Characters to insert, remove or replace (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let before = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = before[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, before[j] + 1, row[j - 1] + 1));
    }
    before = row;
  }
  return before[b.length];
}
