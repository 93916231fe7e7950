import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A post of a dump, by the attributes of its row. */
export type DumpRow = Readonly<Record<string, string | number>>;

function encoded(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#xA;');
}

/** A row as dumps have it. */
export function dumpRow(attributes: DumpRow): string {
  const pairs = Object.entries(attributes).map(([name, value]) => `${name}="${encoded(String(value))}"`);
  return `  <row ${pairs.join(' ')} />`;
}

/** Writes a file of a dump (`Posts`, `PostLinks`, `Users`) into a folder. */
export function writeDumpFile(folder: string, table: string, rows: readonly (DumpRow | string)[]): void {
  mkdirSync(folder, { recursive: true });
  const lines = rows.map((row) => (typeof row === 'string' ? row : dumpRow(row)));
  const element = table.toLowerCase();
  writeFileSync(
    join(folder, `${table}.xml`),
    `\ufeff<?xml version="1.0" encoding="utf-8"?>\n<${element}>\n${lines.join('\n')}\n</${element}>`,
  );
}

/** A question's row; what `facts` say is in place of the usual. */
export function questionRow(id: number, title: string, body: string, facts: DumpRow = {}): DumpRow {
  return {
    Id: id,
    PostTypeId: 1,
    CreationDate: '2019-01-01T00:00:00.000',
    Score: 3,
    Body: body,
    OwnerUserId: id,
    Title: title,
    ...facts,
  };
}

/** An answer's row. */
export function answerRow(id: number, parent: number, body: string, facts: DumpRow = {}): DumpRow {
  return {
    Id: id,
    PostTypeId: 2,
    ParentId: parent,
    CreationDate: '2019-01-01T00:00:00.000',
    Score: 2,
    Body: body,
    OwnerUserId: 1000 + id,
    ...facts,
  };
}

const nouns = [
  'kettle',
  'engine',
  'fungus',
  'ladder',
  'magnet',
  'violin',
  'glacier',
  'compiler',
  'orchid',
  'turbine',
];
const verbs = ['leaks', 'grows', 'breaks', 'hums', 'melts', 'turns', 'stalls', 'glows', 'shrinks', 'fades'];

/** Texts about as different from each other as those of a site, by their numbers. */
export function variedBody(i: number): string {
  const noun = nouns[i % 10];
  const verb = verbs[Math.floor(i / 10) % 10];
  const details = Array.from({ length: 12 }, (_, at) => `detail${(i * 31 + at * 17) % 997}`).join(' ');
  return `<p>My ${noun} ${verb} whenever case ${i} comes up, and I do not know the reason for it. I looked at ${details}.</p>`;
}
