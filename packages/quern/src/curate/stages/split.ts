/** The last stage: writes the data set. */
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileError } from '../../errors.ts';
import { silentWork } from '../../work.ts';
import { writeLines } from '../../whole-file.ts';
import type { Curation } from '../curation.ts';
import { FaultCounts } from '../faults.ts';
import { fileHash } from '../file-hash.ts';
import { authorNames } from '../output/author-names.ts';
import { curationHtml } from '../output/curation-html.ts';
import { datasetCard } from '../output/dataset-card.ts';
import { writeDatasetRecord, type AttributedPost } from '../output/dataset-record.ts';
import { writeRetrievalCollection } from '../output/retrieval-collection.ts';
import { survey } from '../output/survey.ts';
import { writeTrainingFile } from '../output/training-files.ts';
import { trainingRecord, type TrainingRecord } from '../output/training-record.ts';
import type { Author } from '../post.ts';
import type { QuestionSet } from '../question-set.ts';
import { splitNames, splitOf } from '../split.ts';
import type { PostSource } from '../sources/post-source.ts';
import type { SplitInput } from '../split-input.ts';
import type { StageRecord } from '../stage-record.ts';

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
    stages: [...input.stages, record].map((stage) => withTitles(stage, input.sources)),
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
  for (const name of splitNames) files[`${name}.parquet`] = await fileHash(join(result, `${name}.parquet`));
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

/** A stage's record with the places of faults by what sources are called, and not by paths of this machine. */
function withTitles(record: StageRecord, sources: readonly PostSource[]): StageRecord {
  if (!record.faults) return record;
  const titles = sources.flatMap(({ name, title, site }) => [
    [name, title],
    ...[site?.links, site?.users].flatMap((file) =>
      file ? [[file.name, `${site!.host} ${basename(file.name)}`]] : [],
    ),
  ]);
  const named = (place: string): string => {
    const found = titles.find(([name]) => place.startsWith(name));
    return found ? found[1] + place.slice(found[0].length) : place;
  };
  return { ...record, faults: record.faults.map((fault) => ({ ...fault, places: fault.places.map(named) })) };
}
