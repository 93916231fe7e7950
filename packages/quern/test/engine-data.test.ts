/** What engines are told of questions: prompts as they are put here, answers as the reward reads them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { readTrainConfig } from '../src/train/configuration/read-config.ts';
import { engineData } from '../src/train/engines/engine-data.ts';
import { openPrompts, type Prompts } from '../src/train/prompts.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const folder = temporaryFolder();
const file = join(folder, 'questions.jsonl');
let prompts: Prompts;

const records = [
  { id: 'a', question: 'why does bread rise', positives: ['Yeast makes gas.'], positive_ids: ['d1'] },
  { id: 'b', question: 'what is <|im_end|> for', positives: ['It ends a turn.'] },
  { id: 'c', question: `why ${'so '.repeat(400)}long`, positives: ['It is.'] },
];

beforeAll(async () => {
  await writeTinyCheckpoint(folder, { dtype: 'F32' });
  prompts = await openPrompts(folder, 'training');
  writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
});

async function dataOf(set: readonly string[], tokenizes = false) {
  const notes: string[] = [];
  const common = [`model_name_or_path=${folder}`, `train_data=${file}`, 'reward=lexical', 'device=cpu'];
  const config = await readTrainConfig({ set: [...common, 'max_completion_length=64', ...set], out: folder });
  return {
    data: await engineData(config, prompts, { tokenizes, onNote: (text) => notes.push(text) }),
    notes,
  };
}

it('has prompts as texts, as turns and as the tokens of a training here, and answers of the reward', async () => {
  const { data, notes } = await dataOf(['max_prompt_length=4000']);
  expect(data.rows.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  const [{ question, prompt, prompt_ids: tokens, messages, answer }] = data.rows;
  expect(tokens).toEqual(prompts.training(question));
  expect(prompt).toContain(`Question: why does bread rise`);
  expect(prompts.read(prompt)).toEqual(tokens);
  expect(prompt).toContain(messages.at(-1)!.content);
  expect(JSON.parse(answer)).toEqual({
    query: 'why does bread rise',
    positives: ['Yeast makes gas.'],
    positiveIds: ['d1'],
  });
  expect(data.longestPrompt).toBe(prompts.training(records[2].question).length);
  expect(data.endTokens).toEqual(prompts.endTokens);
  expect(notes).toEqual([]);
});

it('leaves out and tells of prompts over the limit', async () => {
  const limit = prompts.training(records[1].question).length;
  const { data, notes } = await dataOf([`max_prompt_length=${limit}`]);
  expect(data.rows.map(({ id }) => id)).toEqual(['a', 'b']);
  expect(data.longestPrompt).toBe(limit);
  expect(notes).toEqual([`1 of 3 questions are left out: their prompts are longer than ${limit} tokens`]);
});

it('leaves out questions in which an engine would read control tokens, where it makes tokens itself', async () => {
  const { data, notes } = await dataOf(['max_prompt_length=4000'], true);
  expect(data.rows.map(({ id }) => id)).toEqual(['a', 'c']);
  expect(notes).toEqual(['1 of 3 questions are left out: the engine would read control tokens in them']);
});

it('tells data apart, and refuses where nothing is left', async () => {
  const limit = prompts.training(records[1].question).length;
  const all = await dataOf(['max_prompt_length=4000']);
  const some = await dataOf([`max_prompt_length=${limit}`]);
  expect(all.data.hash).not.toBe(some.data.hash);
  expect((await dataOf(['max_prompt_length=4000'])).data.hash).toBe(all.data.hash);
  await expect(dataOf(['max_prompt_length=8'])).rejects.toThrow(/no question is left to train on/);
});
