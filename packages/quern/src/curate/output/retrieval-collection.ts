import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../../errors.ts';
import { writeLines } from '../../whole-file.ts';
import { isUsableText } from '../../reason/usable-text.ts';
import { JsonlFile } from '../jsonl-file.ts';
import type { TextAnswer, TextQuestion } from '../question.ts';
import type { QuestionSet } from '../question-set.ts';
import { splitNames, splitOf, type SplitShares } from '../split.ts';

/** What a collection for retrieval came to. */
export interface RetrievalCounts {
  readonly documents: number;
  readonly queries: number;
  readonly judgements: number;
}

/** What is said of the collection where it lies. */
const readme = `A collection in the BEIR layout, made by quern curate: questions, and the answers to all of them as documents. An accepted answer is
judged 2, others with a high score 1. The author, the address and the licence of each document are in its metadata, as far as the
source tells; those of the questions are in dataset.json of the training set that was made with it. Whoever gives it away names the
authors and keeps to their licences.`;

/** The score of the preferences data from which an answer that was not accepted is judged relevant: that of two net votes. */
const highScore = 2;

/**
 * How relevant an answer is to its question: 2 where it was accepted, 1 where its score is high, else 0. Of a question without
 * either, its best positive has 1, so that each has an answer to be found.
 */
export function relevance(answer: TextAnswer, best: TextAnswer | undefined): number {
  if (answer.isAccepted && (answer.preference ?? 0) >= 0) return 2;
  return (answer.preference ?? 0) >= highScore || answer.id === best?.id ? 1 : 0;
}

/**
 * Writes the questions that are left as a BEIR collection: the answers of all questions are the documents, those of
 * `without` (the duplicates of others) excepted, for a question's duplicates have answers to it that nobody has judged. The
 * judgements of each split are in `qrels/SPLIT.tsv`, all of them in `qrels/all.tsv`. The folder must not be there.
 */
export async function writeRetrievalCollection(
  folder: string,
  set: QuestionSet,
  {
    without,
    bestOf,
    shares,
    signal,
  }: {
    readonly without: ReadonlySet<number>;
    /** A question's best positive. */
    readonly bestOf: (question: TextQuestion) => TextAnswer | undefined;
    readonly shares: SplitShares;
    readonly signal?: AbortSignal;
  },
): Promise<RetrievalCounts> {
  await mkdir(join(folder, 'qrels'), { recursive: true }).catch((error: unknown) => {
    throw fileError(error, folder);
  });
  const corpus = await JsonlFile.create(join(folder, 'corpus.jsonl'));
  const queries = await JsonlFile.create(join(folder, 'queries.jsonl'));
  const names = [...splitNames, 'all'] as const;
  const qrels = new Map<string, JsonlFile>();
  const counts = { documents: 0, queries: 0, judgements: 0 };
  try {
    for (const name of names) {
      const file = await JsonlFile.create(join(folder, 'qrels', `${name}.tsv`));
      qrels.set(name, file);
      await file.line('query-id\tcorpus-id\tscore');
    }
    for await (const { n, question } of set.everything(signal)) {
      if (without.has(n)) continue;
      const documents = question.answers.filter(({ text, isDeleted }) => !isDeleted && isUsableText(text));
      for (const { id, text, url, author, licence } of documents) {
        counts.documents++;
        await corpus.line(
          JSON.stringify({
            _id: id,
            title: '',
            text,
            metadata: {
              domain: question.domain,
              ...(url && { url }),
              ...(author && { author }),
              ...(licence && { licence }),
            },
          }),
        );
      }
      if (set.dropped[n] === 1) continue;
      const best = bestOf(question);
      counts.queries++;
      await queries.line(JSON.stringify({ _id: question.id, text: question.text }));
      for (const answer of documents) {
        const level = relevance(answer, best);
        if (level === 0) continue;
        counts.judgements++;
        for (const name of [splitOf(question, shares), 'all']) {
          await qrels.get(name)!.line(`${question.id}\t${answer.id}\t${level}`);
        }
      }
    }
    for (const file of [corpus, queries, ...qrels.values()]) await file.finish();
    await writeLines(join(folder, 'README.md'), [readme]);
  } finally {
    for (const file of [corpus, queries, ...qrels.values()]) await file.close();
  }
  return counts;
}
