import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { NamedAblation } from '../src/reward/ablate-named.ts';
import { beirCollection, sampleFolder } from './beir-collection.ts';
import { quern, quernJson } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const file = join(folder, 'completions.jsonl');
const command = ['reward', 'ablate', file, '--collection', `beir:${sampleFolder}`];

it('says of each reward how it goes with the gain, as a table or as JSON', async () => {
  const { topics } = await beirCollection('collection');
  const lines = topics.flatMap(({ text: query }) =>
    [query, `${query} starch proteins heat`, ''].map((completion) => JSON.stringify({ query, completion })),
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
  const named = ['--reward', 'lexical', '--reward', 'mix:1*retrieval:rank,-0.1*length:20'];
  const outcome = await quernJson<NamedAblation>([...command, ...named]);
  expect(outcome).toMatchObject({ completions: lines.length, groups: topics.length, measure: 'ndcg@10' });
  expect(outcome.rewards.map(({ reward }) => reward)).toEqual([
    'lexical',
    'mix:1*retrieval:rank,-0.1*length:20',
  ]);
  expect(outcome.rewards[0].failures).toEqual({ empty: topics.length });
  const { stdout } = await quern([...command, ...named]);
  expect(stdout).toContain(`${lines.length} completions of ${topics.length} questions`);
  expect(stdout).toMatch(/^lexical +/m);
}, 60_000);

it('exits with 2 for a reward that there is none of', async () => {
  const { code, stderr } = await quern([...command, '--reward', 'nonsense']);
  expect(code).toBe(2);
  expect(stderr).toContain('unknown reward "nonsense"');
}, 60_000);
