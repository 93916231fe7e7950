/** A cell of a table: a number is written as it is, what is not there as nothing. */
export type CsvCell = string | number | undefined;

/**
 * Rows as RFC 4180 has them, lines ended by CR LF, cells with commas, quotes or line breaks in quotes. A text that a spreadsheet
 * would take for a formula (one that begins with `=`, `+`, `-`, `@`, a tab or a carriage return) gets an apostrophe before it, which
 * spreadsheets take as "this is text"; numbers, negative ones too, are left as they are.
 */
export function csvText(rows: readonly (readonly CsvCell[])[]): string {
  return rows.map((row) => `${row.map(cellText).join(',')}\r\n`).join('');
}

function cellText(cell: CsvCell): string {
  if (cell === undefined) return '';
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : '';
  const text = /^[\t\r]|^\s*[=+\-@＝＋－＠]/u.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
