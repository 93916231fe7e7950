import { expect, it } from 'vitest';
import { textsInLanguages } from '../../test/texts-in-languages.ts';
import {
  copyingFault,
  formatFault,
  languageFault,
  lengthFault,
  repetitionFault,
  truncationFault,
} from './faults.ts';
import type { Fault } from './reward-part.ts';
import type { RewardItem } from './reward.ts';

const query = 'Why does bread that was baked this morning go stale?';

const of = (language: string) => textsInLanguages.find((each) => each.language === language)!;

async function amount(fault: Fault, item: Partial<RewardItem>): Promise<number> {
  const values = await fault.values([{ query, completion: '', positives: [], ...item }]);
  expect(values).toHaveLength(1);
  return values[0];
}

it('measures length by the tokens beyond the budget', async () => {
  const fault = lengthFault(400);
  expect(await amount(fault, { completionTokens: 400 })).toBe(0);
  expect(await amount(fault, { completionTokens: 500 })).toBe(0.25);
  expect(await amount(fault, { completion: 'word '.repeat(800) })).toBe(1);
  expect(await amount(fault, { completion: `word${'<|im_end|>'.repeat(800)}` })).toBe(0);
});

it('counts what was cut, where that is known', async () => {
  expect(await amount(truncationFault, { truncated: true })).toBe(1);
  expect(await amount(truncationFault, { truncated: false })).toBe(0);
  expect(await amount(truncationFault, {})).toBe(0);
});

it('measures copying by the runs of four words that are the question’s', async () => {
  expect(await amount(copyingFault, { completion: query })).toBe(1);
  // Of its eleven words, the first seven are the question's: four of its eight runs.
  const half = 'why does BREAD that was baked this? starch turns back slowly';
  expect(await amount(copyingFault, { completion: half })).toBe(0.5);
  expect(await amount(copyingFault, { completion: `<think>${query}</think> Starch turns back.` })).toBe(0);
  expect(await amount(copyingFault, { completion: '' })).toBe(0);
});

it('measures repetition by the runs of four words that came before', async () => {
  expect(await amount(repetitionFault, { completion: 'one two three four five six' })).toBe(0);
  expect(await amount(repetitionFault, { completion: 'a b c d '.repeat(100) })).toBeCloseTo(393 / 397, 12);
  expect(await amount(repetitionFault, { completion: '淀粉回生'.repeat(2) })).toBeCloseTo(1 / 5, 12);
});

it('sees that the language is another', async () => {
  const { question, answer } = of('English');
  const german = of('German').answer;
  expect(await amount(languageFault, { query: question, completion: answer })).toBe(0);
  expect(
    await amount(languageFault, { query: question, completion: `<think>${answer}</think> ${german}` }),
  ).toBe(1);
});

it.each([
  '<think>hm</think> starch',
  'hm\n</think>\nstarch<|im_end|>',
  '<think>hm</think><answer>starch</answer>',
  '<think>hm</think>\n<answer>starch</answer>\n<|im_end|>',
])('finds %j well formed', async (completion) => {
  expect(await amount(formatFault, { completion })).toBe(0);
});

it.each([
  'starch',
  '<think>hm',
  '<think>hm</think>',
  '<think></think> starch',
  '<answer>starch</answer>',
  '<think>hm</think><answer>starch',
  '<think>hm</think><answer>starch</answer> and more',
  '<think>hm</think> starch <think>hm</think>',
  '',
])('finds %j not well formed', async (completion) => {
  expect(await amount(formatFault, { completion })).toBe(1);
});

it('has finite amounts for ten million characters', async () => {
  const faults = [lengthFault(400), copyingFault, repetitionFault, languageFault, formatFault];
  for (const completion of ['word '.repeat(2e6), '<think>'.repeat(1.4e6), '1'.repeat(1e7)]) {
    for (const fault of faults) expect(await amount(fault, { completion })).toBeGreaterThanOrEqual(0);
  }
});
