const whole = new Intl.NumberFormat('en');

/** A count with its thousands apart: `23,839`. */
export function count(value: number): string {
  return whole.format(value);
}

/** A time as people say it: `0.4 ms`, `12 ms`, `1.25 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds) - 60 * minutes} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A sum of money: `USD 0.00012`; to two digits that say something. */
export function money({ amount, currency }: { readonly amount: number; readonly currency: string }): string {
  const digits = amount === 0 ? 0 : Math.max(2, 1 - Math.floor(Math.log10(amount)));
  return `${currency} ${amount.toFixed(Math.min(digits, 12))}`;
}

/** A size: `512 B`, `3.4 kB`, `1.2 MB`. */
export function bytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = size;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]!}`;
}
