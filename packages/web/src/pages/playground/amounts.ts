/** A weight or a score: three digits that say something, e.g. `12.3`, `0.0164`. */
export function figure(value: number): string {
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 8));
}

/** A share of one in percent; what is less than one percent, but not nothing, is said to be. */
export function percent(share: number): string {
  if (share > 0 && share < 0.01) return '<1 %';
  return `${Math.round(100 * share)} %`;
}
