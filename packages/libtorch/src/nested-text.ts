/**
 * The first values of a tensor as lists of its shape, `[[1, 2], [3, 4]]`; `…` stands for those of `count` that are not in
 * `values`. Numbers have five digits.
 */
export function nested(values: readonly number[], shape: readonly number[], count: number): string {
  let at = 0;
  const write = (depth: number): string => {
    if (depth === shape.length) return shown(values[at++]);
    const parts: string[] = [];
    for (let i = 0; i < shape[depth]; i++) {
      if (at >= values.length && count > 0) {
        parts.push('…');
        break;
      }
      parts.push(write(depth + 1));
    }
    return `[${parts.join(', ')}]`;
  };
  return write(0);
}

function shown(value: number): string {
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(5)));
}
