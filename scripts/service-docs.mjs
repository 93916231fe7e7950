/** Writes the table of keys into docs/SERVICE.md, from the built configuration: node scripts/service-docs.mjs */
import { readFileSync, writeFileSync } from 'node:fs';
import { configurationMarkdown } from '../packages/quern/dist/serve/configuration/documentation.js';

const guide = new URL('../docs/SERVICE.md', import.meta.url);
const [before, rest] = readFileSync(guide, 'utf8').split('<!-- prettier-ignore-start -->\n');
const [, after] = rest.split('<!-- prettier-ignore-end -->\n');
writeFileSync(
  guide,
  `${before}<!-- prettier-ignore-start -->\n${configurationMarkdown()}\n<!-- prettier-ignore-end -->\n${after}`,
);
