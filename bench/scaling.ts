/**
 * What does Quern need for so many documents and questions a second?
 *
 *     npm run bench -- scaling [--write]
 *     npm run bench -- scaling --growth 62500,250000,1000000,4000000
 *
 * Prints the tables of docs/SCALING.md, or writes them into it; they come from a seeded simulation whose inputs are
 * `scaling/inputs.ts`. `--growth` measures instead how a search grows with the documents: it makes synthetic ones (4,000,000 take
 * some 20 minutes, 8 GB of disk and 6 GB of memory), counts the postings that are read, and times.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { growthAt } from './scaling/growth.ts';
import { allTables, withTables } from './scaling/tables.ts';

const { values: flags } = parseArgs({
  options: { write: { type: 'boolean', default: false }, growth: { type: 'string' } },
});
if (flags.growth === undefined) {
  const tables = allTables();
  for (const [name, lines] of tables) console.log(`${name}\n\n${lines}\n`);
  if (flags.write) {
    const path = 'docs/SCALING.md';
    writeFileSync(path, withTables(readFileSync(path, 'utf8'), tables));
  }
} else {
  for (const documents of flags.growth.split(',').map(Number)) {
    console.log(JSON.stringify(await growthAt(documents, (cell) => console.log(JSON.stringify(cell)))));
  }
}
