import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { writeTrainingFile } from '../../curate/output/training-files.ts';
import { trainingRecord, type TrainingRecord } from '../../curate/output/training-record.ts';
import type { TextQuestion } from '../../curate/question.ts';
import { questionPage, type QuestionPage, type QuestionsAsked } from './question-page.ts';

const folder = temporaryFolder();

/** Writes a split of so many questions, a thousand a row group; the last thousand of another domain. */
async function written(name: string, questions: number, textOf: (row: number) => string): Promise<string> {
  const path = join(folder, name);
  const records = async function* (): AsyncGenerator<TrainingRecord> {
    for (let row = 0; row < questions; row++) {
      const domain = row < questions - 1000 ? 'first' : 'last';
      const question = { id: `${domain}/${row}`, domain, text: textOf(row) } as TextQuestion;
      yield trainingRecord(question, [`positive ${row}`], { split: 'train', index: row, think: false });
    }
  };
  await writeTrainingFile(path, records());
  return path;
}

/** What is answered, and the row groups that were decoded for it. */
async function read(
  path: string,
  asked: Partial<QuestionsAsked>,
): Promise<QuestionPage & { readonly work: Record<string, number> }> {
  const file = await open(path);
  const work = { domains: 0, texts: 0 };
  try {
    const reading = { onGroup: (what: 'domains' | 'texts') => void work[what]++ };
    return {
      ...(await questionPage(file, 'train.parquet', { from: 0, limit: 10, ...asked }, reading)),
      work,
    };
  } finally {
    await file.close();
  }
}

it('of a hundred thousand questions, a page decodes the row group that it is in', async () => {
  const path = await written('many.parquet', 100_000, (row) => `question ${row}`);
  const middle = await read(path, { from: 50_500 });
  expect(middle).toMatchObject({ total: 100_000, next: 50_510, looked: 10, work: { domains: 0, texts: 1 } });
  expect(middle.questions[0]).toMatchObject({ row: 50_500, question: { text: 'question 50500' } });
  const across = await read(path, { from: 50_995 });
  expect([across.questions.map(({ row }) => row), across.work.texts]).toEqual([
    Array.from({ length: 10 }, (_, i) => 50_995 + i),
    2,
  ]);
  const last = await read(path, { domain: 'last' });
  expect(last).toMatchObject({ looked: 99_010, work: { domains: 100, texts: 1 } });
  expect(last.questions[0]!.row).toBe(99_000);
  const end = await read(path, { from: 99_995 });
  expect([end.questions.length, end.next]).toEqual([5, null]);
  expect(await read(path, { from: 100_000 })).toMatchObject({
    questions: [],
    next: null,
    work: { texts: 0 },
  });
});

it('what is sought in large texts is sought in a part of them, and from there on', async () => {
  const filler = 'many words '.repeat(800);
  const path = await written('large.parquet', 9000, (row) => `${filler} number ${row} of them`);
  let from: number | null = 0;
  const pages: QuestionPage[] = [];
  while (from !== null) {
    const page: QuestionPage & { readonly work: Record<string, number> } = await read(path, {
      q: 'NUMBER 8123 of',
      from,
    });
    expect(page.work['texts']).toBeLessThan(9);
    pages.push(page);
    from = page.next;
  }
  expect(pages.length).toBeGreaterThan(2);
  expect(pages.flatMap(({ questions }) => questions.map(({ row }) => row))).toEqual([8123]);
  expect(pages.reduce((sum, { looked }) => sum + looked, 0)).toBe(9000);
});
