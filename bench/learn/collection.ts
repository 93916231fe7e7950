/** The collection in the experiment's own folder, which then needs no other, with splits of its own and an index. */
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeQrels } from './data.js';
import { quern } from './quern.js';
import { shuffled } from './random.js';
import type { Question } from './textbooks.js';

/** Questions of the split `test-sample`: for figures that are to be cheap. */
const sample = 600;

/** Copies `from`, which lies in the BEIR layout, adds the splits `validation` and `test-sample`, and indexes it in `to`.index. */
export async function writeCollection(
  from: string,
  to: string,
  { validation, test }: { readonly validation: string; readonly test: readonly Question[] },
): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await mkdir(join(to, 'qrels'), { recursive: true });
  const splits = ['train', 'test', 'reasoned-test'].map((split) => join('qrels', `${split}.tsv`));
  for (const name of ['corpus.jsonl.gz', 'queries.jsonl', ...splits])
    await copyFile(join(from, name), join(to, name));
  await copyFile(validation, join(to, 'qrels/validation.tsv'));
  const chosen = new Set(shuffled(test, 7).slice(0, sample));
  await writeQrels(
    join(to, 'qrels/test-sample.tsv'),
    test.filter((question) => chosen.has(question)),
  );
  quern(['index', to, '--out', `${to}.index`]);
}
