/** Writes the tables of presets and fields into docs/TRAINING.md, from the built configuration: node scripts/training-docs.mjs */
import { readFileSync, writeFileSync } from 'node:fs';
import { configurationMarkdown } from '../packages/quern/dist/train/configuration/documentation.js';

const guide = new URL('../docs/TRAINING.md', import.meta.url);
const [before, rest] = readFileSync(guide, 'utf8').split('<!-- prettier-ignore-start -->\n');
const [, after] = rest.split('<!-- prettier-ignore-end -->\n');
writeFileSync(
  guide,
  `${before}<!-- prettier-ignore-start -->\n${configurationMarkdown()}\n<!-- prettier-ignore-end -->\n${after}`,
);
