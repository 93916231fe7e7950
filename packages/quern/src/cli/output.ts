import { oneLine } from '../one-line.ts';
import type { Warnings } from '../warnings.ts';

/** Prints one JSON document on stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Prints lines on stdout. */
export function print(lines = ''): void {
  process.stdout.write(`${printable(lines)}\n`);
}

/** Prints a note on stderr, on one line: names of files in it may have line breaks. */
export function note(line: string): void {
  process.stderr.write(`${printable(line).replaceAll('\n', '\ufffd')}\n`);
}

/** A text from outside with its lines as they are, but without what could steer a terminal or turn its direction. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/** What `work` resolves to. Where it fails, the warnings so far, which may say why, are printed before its error is thrown. */
export async function orWarnings<T>(work: Promise<T>, warnings: Warnings): Promise<T> {
  try {
    return await work;
  } catch (error) {
    printWarnings(warnings);
    throw error;
  }
}

/** Prints counted warnings on stderr. */
export function printWarnings(warnings: Warnings): void {
  for (const { message, count, first } of warnings.list()) {
    const where = count === 1 ? first : `${count} times, first at ${first}`;
    note(`quern: warning: ${message}: ${where}`);
  }
}

/** Rows as text in columns; columns but the first are aligned to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A duration: milliseconds below ten seconds, seconds above. */
export function durationText(milliseconds: number): string {
  return milliseconds < 10_000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** A text from outside, cut to `length`, on lines of at most 100 columns: `label` before the first, the rest under it. */
export function labelled(label: string, text: string, length: number): string {
  const lines: string[] = [];
  let line = label;
  for (const word of oneLine(text, length).split(' ')) {
    if (line.length + word.length >= 100 && line.length > label.length) {
      lines.push(line.trimEnd());
      line = ' '.repeat(label.length);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()].join('\n');
}

/** A number of bytes in kB below a million, in MB above. */
export function bytesText(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
