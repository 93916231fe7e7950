/** How many code points Unicode has. */
const CODE_POINTS = 0x110000;

/**
 * The class of every code point, from runs written as in word-break-table.ts: a letter for the class (`A` to `Z` are 0
 * to 25, `a` to `z` are 26 to 51), then the run's length in decimal if it is above 1.
 */
export function codePointClasses(runs: string): Uint8Array {
  const classes = new Uint8Array(CODE_POINTS);
  let codePoint = 0;
  for (let i = 0; i < runs.length;) {
    const letter = runs.charCodeAt(i++);
    let length = 0;
    for (; i < runs.length && isDigit(runs.charCodeAt(i)); i++)
      length = length * 10 + runs.charCodeAt(i) - 48;
    const end = codePoint + Math.max(length, 1);
    const number = letter < 97 ? letter - 65 : letter - 97 + 26;
    if (number !== 0) classes.fill(number, codePoint, end);
    codePoint = end;
  }
  return classes;
}

function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

/**
 * The code point at `index` of `text`: the pair's where a pair of surrogates stands there and ends before `end`, else
 * that of the single unit.
 */
export function codePointWithin(text: string, index: number, end: number): number {
  const unit = text.charCodeAt(index);
  if ((unit & 0xfc00) !== 0xd800 || index + 1 >= end) return unit;
  const next = text.charCodeAt(index + 1);
  return (next & 0xfc00) === 0xdc00 ? ((unit - 0xd800) << 10) + next - 0xdc00 + 0x10000 : unit;
}
