/** The first place in the ascending `values[from…to)` that holds `value` or more; `to` where none does. */
export function lowerBound(values: Uint32Array, from: number, to: number, value: number): number {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (values[middle] < value) from = middle + 1;
    else to = middle;
  }
  return from;
}
