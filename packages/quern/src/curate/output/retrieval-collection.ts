import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../../errors.ts';
import { NewFile } from '../../models/new-file.ts';
import { writeLines } from '../../whole-file.ts';
import { isUsableText } from '../../reason/usable-text.ts';
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
const readme = `A collection in the BEIR layout, made by quern curate: questions, and the answers to all of them as documents.
An accepted answer is judged 2, others with a high score 1. The author, the address and the licence of each document
are in its metadata, as far as the source tells; those of the questions are in dataset.json of the training set that
was made with it. Whoever gives it away names the authors and keeps to their licences.`;

function qrelsOf(name: string): string {
  return join('qrels', `${name}.tsv`);
}

const qrelsNames = [...splitNames, 'all'].map(qrelsOf);

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
  const counts = { documents: 0, queries: 0, judgements: 0 };
  const files = new Map<string, NewFile>();
  const line = (name: string, text: string): Promise<void> =>
    files.get(name)!.write(Buffer.from(`${text}\n`));
  try {
    for (const name of ['corpus.jsonl', 'queries.jsonl', ...qrelsNames]) {
      files.set(name, await NewFile.create(join(folder, name)));
    }
    for (const name of qrelsNames) await line(name, 'query-id\tcorpus-id\tscore');
    for await (const { n, question } of set.everything(signal)) {
      if (without.has(n)) continue;
      const documents = question.answers.filter(({ text, isDeleted }) => !isDeleted && isUsableText(text));
      for (const { id, text, url, author, licence } of documents) {
        counts.documents++;
        const metadata = {
          domain: question.domain,
          ...(url && { url }),
          ...(author && { author }),
          ...(licence && { licence }),
        };
        await line('corpus.jsonl', JSON.stringify({ _id: id, title: '', text, metadata }));
      }
      if (set.dropped[n] === 1) continue;
      const best = bestOf(question);
      const relevant = documents
        .map((answer) => ({ id: answer.id, level: relevance(answer, best) }))
        .filter(({ level }) => level > 0);
      // A question that only a reasoner has answered has nothing to be found.
      if (relevant.length === 0) continue;
      counts.queries++;
      counts.judgements += relevant.length;
      await line('queries.jsonl', JSON.stringify({ _id: question.id, text: question.text }));
      for (const { id, level } of relevant) {
        for (const name of [splitOf(question, shares), 'all']) {
          await line(qrelsOf(name), `${question.id}\t${id}\t${level}`);
        }
      }
    }
    for (const file of files.values()) await file.finish();
    await writeLines(join(folder, 'README.md'), [readme]);
  } finally {
    for (const file of files.values()) await file.discard();
  }
  return counts;
}
