/** Texts in an order that does not depend on the one in which they came, each once. */
export interface DistinctTexts {
  /** The shortest first, those of one length by their code units. */
  readonly texts: readonly string[];
  /** Where each of them came, by its place in `texts`. */
  readonly positions: readonly (readonly number[])[];
}

export function distinctTexts(texts: readonly string[]): DistinctTexts {
  const positions = new Map<string, number[]>();
  for (const [position, text] of texts.entries()) {
    const seen = positions.get(text);
    if (seen) seen.push(position);
    else positions.set(text, [position]);
  }
  const distinct = [...positions.keys()].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  return { texts: distinct, positions: distinct.map((text) => positions.get(text)!) };
}
