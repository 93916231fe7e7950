/** The last stage: writes the data set. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../../errors.ts';
import { silentWork, type OnWork } from '../../work.ts';
import { writeLines } from '../../whole-file.ts';
import type { ProtectedCollection } from '../against.ts';
import type { Curation, SourceFacts } from '../curation.ts';
import { FaultCounts } from '../faults.ts';
import { authorNames } from '../output/author-names.ts';
import { curationHtml } from '../output/curation-html.ts';
import { datasetCard } from '../output/dataset-card.ts';
import { writeDatasetRecord, type AttributedPost } from '../output/dataset-record.ts';
import { writeRetrievalCollection } from '../output/retrieval-collection.ts';
import { survey } from '../output/survey.ts';
import { writeTrainingFile } from '../output/training-files.ts';
import { trainingRecord, type TrainingRecord } from '../output/training-record.ts';
import type { Author } from '../post.ts';
import type { TextAnswer, TextQuestion } from '../question.ts';
import type { QuestionSet } from '../question-set.ts';
import { splitNames, splitOf, type SplitShares } from '../split.ts';
import type { PostSource } from '../sources/post-source.ts';
import type { Dropped, StageName, StageRecord } from '../stage-record.ts';

/** The positives of a question: answers of the data, and what a reasoner wrote. */
export interface ChosenPositives {
  readonly answers: readonly TextAnswer[];
  readonly reasoned?: string;
}

/** What the data set is written from. */
export interface SplitInput {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly sources: readonly PostSource[];
  readonly sourceFacts: readonly SourceFacts[];
  readonly stages: readonly StageRecord[];
  readonly against: readonly ProtectedCollection[];
  readonly shares: SplitShares;
  readonly think: boolean;
  readonly positivesOf: (n: number, question: TextQuestion) => ChosenPositives;
  /** What the stages left out, from the first to the last. */
  readonly dropped: () => AsyncIterable<{ readonly stage: StageName; readonly dropped: Dropped }>;
  /** Whether the questions are to be a collection for retrieval too; a question's best answer there. */
  readonly retrieval?: { readonly bestOf: (question: TextQuestion) => TextAnswer | undefined };
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

/** The folders in the stage's own that hold what is handed out. */
export const resultFolder = 'result';
export const retrievalFolder = 'retrieval';

/** Writes the data set into the stage's folder, and returns what the run came to. */
export async function splitStage(
  set: QuestionSet,
  folder: string,
  input: SplitInput,
): Promise<StageRecord & { readonly curation: Curation }> {
  const { shares, signal, think, positivesOf } = input;
  const result = join(folder, resultFolder);
  await mkdir(result, { recursive: true }).catch((error: unknown) => {
    throw fileError(error, result);
  });
  const facts = await survey(set, input);
  const faults = new FaultCounts();
  const work = input.onWork?.('writing the data set', set.left) ?? silentWork;
  let written = 0;
  const splits = { train: 0, validation: 0, test: 0 };
  try {
    for (const split of splitNames) {
      const records = async function* (): AsyncGenerator<TrainingRecord> {
        for await (const { n, question } of set.all(signal)) {
          if (splitOf(question, shares) !== split) continue;
          const { answers, reasoned } = positivesOf(n, question);
          const texts = [...answers.map(({ text }) => text), ...(reasoned === undefined ? [] : [reasoned])];
          yield trainingRecord(question, texts, { split, index: splits[split]++, think });
          work.update(++written);
        }
      };
      await writeTrainingFile(join(result, `${split}.parquet`), records());
    }
  } finally {
    work.stop();
  }
  const retrieval =
    input.retrieval === undefined
      ? null
      : await writeRetrievalCollection(join(folder, retrievalFolder), set, {
          without: facts.duplicates,
          bestOf: input.retrieval.bestOf,
          shares,
          signal,
        });
  const total = set.left;
  const record: StageRecord = {
    stage: 'split',
    questionsIn: total,
    questionsOut: total,
    dropped: {},
    counts: { ...splits, positives: facts.positives },
  };
  const names = await authorNames(facts.authors, input.sources, { faults, signal });
  const curation: Curation = {
    name: input.name,
    options: input.options,
    sources: input.sourceFacts,
    stages: [...input.stages, record],
    against: input.against,
    splits,
    positives: facts.positives,
    domains: facts.domains,
    histograms: facts.histograms,
    kept: facts.kept,
    dropped: facts.dropped,
    licences: facts.licences,
    retrieval,
  };
  await writeLines(join(result, 'README.md'), [datasetCard(curation)]);
  await writeLines(join(result, 'report.html'), [curationHtml(curation)]);
  const files: Record<string, string> = {};
  for (const name of splitNames) files[`${name}.parquet`] = await sha256(join(result, `${name}.parquet`));
  const posts = attributedPosts(set, positivesOf, names, signal);
  await writeDatasetRecord(join(result, 'dataset.json'), curation, files, posts);
  return { ...record, faults: faults.list(), curation };
}

async function* attributedPosts(
  set: QuestionSet,
  positivesOf: SplitInput['positivesOf'],
  names: ReadonlyMap<string, string>,
  signal?: AbortSignal,
): AsyncGenerator<AttributedPost> {
  const named = (author: Author | undefined): { author?: Author } => {
    const name = author?.name ?? names.get(author?.profile ?? '');
    return author ? { author: { ...(name !== undefined && { name }), ...author } } : {};
  };
  for await (const { n, question } of set.all(signal)) {
    for (const { id, url, licence, author } of [question, ...positivesOf(n, question).answers]) {
      if (url === undefined && licence === undefined && author === undefined) continue;
      yield {
        post: id,
        ...named(author),
        ...(url !== undefined && { url }),
        ...(licence !== undefined && { licence }),
      };
    }
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
