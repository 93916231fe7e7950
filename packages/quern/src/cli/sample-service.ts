import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileError } from '../errors.ts';
import { evaluateNamed } from '../evaluate/evaluate-named.ts';
import { evaluationRecord } from '../evaluate/evaluation-record.ts';
import { parseMeasures } from '../evaluate/measures.ts';
import { writeEvaluation } from '../evaluate/write-evaluation.ts';
import { defaultBm25Parameters } from '../lexical/bm25.ts';
import { combineName, combineNamed } from '../search/combine.ts';
import type { Setting } from '../serve/configuration/environment-settings.ts';
import { sampleCollection } from './sample-collection.ts';
import { makeSampleSet } from './sample-set.ts';

/** What `--sample` serves: it lies in a temporary folder. */
export interface SampleService {
  /** What it adds to a configuration. */
  readonly settings: readonly Setting[];
  /** The folder of its evaluations. */
  readonly runs: string;
  /** The folder of its set. */
  readonly sets: string;
  /** Removes the folder. */
  discard(): Promise<void>;
}

const where = '--sample';

/**
 * Makes the sample collection ready to be served: its index under the name `sample` with its questions, what a language model has
 * reasoned about them as the reasoner `recorded`, evaluations of that, of RM3 and of the questions alone, and a training set.
 */
export async function sampleService(signal: AbortSignal): Promise<SampleService> {
  const sample = sampleCollection();
  const folder = await mkdtemp(join(tmpdir(), 'quern-sample-')).catch((error: unknown) => {
    throw fileError(error, `${tmpdir()} (TMPDIR)`);
  });
  const discard = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const index = join(folder, 'sample.index');
    const recorded = `file:${resolve(sample.reasoned)}`;
    const runs = join(folder, 'runs');
    const sets = join(folder, 'sets');
    await evaluated(sample.folder, { index, runs, recorded, signal });
    await mkdir(sets);
    await makeSampleSet(sample.folder, { out: join(sets, 'sample'), work: folder, signal });
    return {
      settings: [
        {
          path: ['indexes', 'sample'],
          value: { index, questions: resolve(sample.questions) },
          where,
        },
        { path: ['reasoners', 'recorded'], value: recorded, where },
      ],
      runs,
      sets,
      discard,
    };
  } catch (error) {
    await discard();
    throw error;
  }
}

/** Builds the index, and saves an evaluation of each reasoner. */
async function evaluated(
  collection: string,
  {
    index,
    runs,
    recorded,
    signal,
  }: {
    readonly index: string;
    readonly runs: string;
    readonly recorded: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const combine = combineNamed('replace');
  const reasoners = ['none', 'rm3', recorded];
  await evaluateNamed(
    `beir:${collection}`,
    {
      index,
      store: true,
      reasoners,
      plan: { combine },
      k: 100,
      measures: parseMeasures(['ndcg@10', 'recall@10', 'map']),
      signal,
    },
    async (outcome) => {
      for (const [i, evaluation] of outcome.evaluations.entries()) {
        const folder = join(runs, ['none', 'rm3', 'recorded'][i]);
        await mkdir(folder, { recursive: true });
        await writeEvaluation(folder, {
          evaluation,
          record: {
            ...evaluationRecord(outcome, evaluation, reasoners[i], combineName(combine)),
            collection: 'sample',
          },
          qrels: outcome.collection.qrels,
          analyzer: outcome.index.analyzer,
          parameters: defaultBm25Parameters,
          plan: [],
        });
      }
    },
  );
}
