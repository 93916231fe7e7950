import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { configurationMarkdown } from './documentation.ts';
import { fieldDocumentation, fieldNames } from './train-config.ts';

const guide = readFileSync(resolve(import.meta.dirname, '../../../../../docs/TRAINING.md'), 'utf8');

it('the guide documents presets and fields as they are (else: npm run build && node scripts/training-docs.mjs)', () => {
  expect(guide).toContain(`\n${configurationMarkdown()}\n`);
});

it('every field is documented, with its source', () => {
  const rows = fieldDocumentation();
  expect(rows.map(({ name }) => name)).toEqual(fieldNames);
  const known = /^(?:TRL|transformers|accelerate|arXiv \d{4}\.\d{5}|ours)\b/;
  expect(rows.filter(({ source }) => !known.test(source))).toEqual([]);
  expect(rows.filter(({ description }) => !description.endsWith('.'))).toEqual([]);
});

it('defaults are told as they are written, and what must be given is told', () => {
  const defaults = new Map(fieldDocumentation().map((row) => [row.name, row.default]));
  expect(defaults.get('max_steps')).toBe('150');
  expect(defaults.get('learning_rate')).toBe('1e-6');
  expect(defaults.get('epsilon_high')).toBe('epsilon');
  expect(defaults.get('eval_data')).toBe('[]');
  expect(defaults.get('max_loss')).toBe('null');
  expect([...defaults].filter(([, text]) => text === 'must be given').map(([name]) => name)).toEqual([
    'model_name_or_path',
    'train_data',
    'output_dir',
  ]);
});
