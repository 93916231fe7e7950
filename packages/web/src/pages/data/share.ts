/** A part of a whole as people say it: `94.7 %`, `< 0.1 %`; of nothing, a dash. */
export function share(part: number, whole: number): string {
  if (whole === 0) return '–';
  const percent = (100 * part) / whole;
  if (part > 0 && percent < 0.1) return '< 0.1 %';
  // What is not all is not said to be.
  if (part < whole && percent > 99.9) return '> 99.9 %';
  return `${Number.isInteger(percent) ? percent : percent.toFixed(1)} %`;
}
