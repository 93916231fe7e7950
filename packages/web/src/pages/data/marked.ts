/** A part of a text, and whether it is what was sought. */
export interface Part {
  readonly text: string;
  readonly isMarked: boolean;
}

const most = 200;

/** A text in its parts: those that are `sought`, in whatever case, and those between. */
export function marked(text: string, sought: string): Part[] {
  const inText = text.toLowerCase();
  const wanted = sought.toLowerCase();
  // Where letters change their number with their case, places in one are not those in the other.
  if (wanted === '' || inText.length !== text.length) return [{ text, isMarked: false }];
  const parts: Part[] = [];
  let from = 0;
  for (let at = inText.indexOf(wanted); at >= 0 && parts.length < most; at = inText.indexOf(wanted, from)) {
    if (at > from) parts.push({ text: text.slice(from, at), isMarked: false });
    parts.push({ text: text.slice(at, at + wanted.length), isMarked: true });
    from = at + wanted.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), isMarked: false });
  return parts;
}
