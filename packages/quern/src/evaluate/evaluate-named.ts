import { logFile, openCollection, type Collection } from '../collections/collection.ts';
import { fileBytes } from '../collections/files.ts';
import { withoutDocuments } from '../collections/log-collection.ts';
import type { DenseSettings } from '../dense/dense-settings.ts';
import { embedCorpus } from '../dense/embed-corpus.ts';
import type { EmbedderOptions } from '../dense/model-options.ts';
import { checkMadeAs, hasVectors } from '../dense/vectors-made.ts';
import { QuernError } from '../errors.ts';
import type { Bm25Parameters, Scoring } from '../lexical/bm25.ts';
import { checkRelevant, openCollectionIndex, openIndexMadeWith } from '../lexical/collection-index.ts';
import { LexicalIndex } from '../lexical/lexical-index.ts';
import { checkAnalyzer } from '../lexical/index-corpus.ts';
import { hasIndex } from '../lexical/manifest.ts';
import { preparedReasoner, type ReasonerSettings } from '../reason/reasoners.ts';
import { isOpenSearchName } from '../opensearch/address.ts';
import { OpenSearchIndex } from '../opensearch/open-search-index.ts';
import { planName } from '../search/plan-name.ts';
import { Background } from '../search/background.ts';
import type { ReasoningPlan } from '../search/reasoning-plan.ts';
import type { Retriever } from '../search/retriever.ts';
import type { SearchedIndex } from '../search/searched-index.ts';
import {
  checkHasVectors,
  checkScoring,
  closeEmbedders,
  openEmbedders,
  openRetriever,
  retrieverNamed,
  type OpenEmbedders,
} from '../search/retrievers.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import type { Warnings } from '../warnings.ts';
import { silentWork, type OnWork } from '../work.ts';
import { evaluateCollection, type Evaluation } from './evaluation.ts';
import type { Measure } from './measures.ts';
import { fullRunName, runName } from './run-name.ts';

/** What {@link evaluateNamed} evaluates, and with what. */
export interface NamedEvaluationOptions {
  readonly data?: string;
  readonly split?: string;
  /**
   * The folder of the collection's index: opened, or built there. Without it, an index is built for the moment. Or
   * `opensearch:INDEX@URL`, which must be there.
   */
  readonly index?: string;
  readonly analyzer?: string;
  /** Keep titles and texts in an index that is built now. */
  readonly store?: boolean;
  /** The collection's own default when not given. */
  readonly scoring?: Scoring;
  /** The name of a retriever (see `retrieverNamed`). Default: the scoring. */
  readonly retriever?: string;
  /** How vectors are made where an embedder of the retriever has none in the index, and how embedders are opened. */
  readonly dense?: DenseSettings & { readonly embedder?: EmbedderOptions };
  /** BM25's k1 and b. Default 0.9 and 0.4. */
  readonly parameters?: Bm25Parameters;
  /** Names of reasoners; each is one run. */
  readonly reasoners: readonly string[];
  /** How they are opened. */
  readonly reasoning?: ReasonerSettings;
  /** How each reasoner is asked, and what becomes of its texts. */
  readonly plan: Omit<ReasoningPlan, 'reasoner' | 'retriever' | 'background'>;
  /** Reasoned queries that a {@link Background} is learnt from, and its power. */
  readonly background?: { readonly texts: readonly string[]; readonly power?: number };
  readonly k: number;
  readonly measures: readonly Measure[];
  readonly warnings?: Warnings;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

/** The runs over one collection. Index and retriever are open as long as the visitor runs. */
export interface NamedEvaluation {
  readonly collection: Collection;
  readonly index: SearchedIndex;
  readonly retriever: Retriever;
  /** Of the part that scores by terms; where the retriever has none, what reasoners learn with. */
  readonly scoring: Scoring;
  /** Depth of the rankings. */
  readonly k: number;
  /** One a reasoner, in their order. */
  readonly evaluations: readonly Evaluation[];
  /** Milliseconds that opening or building the index took. */
  readonly indexMilliseconds: number;
}

/**
 * Opens a collection and its index, evaluates every reasoner on it, and hands the outcome to `visit`. A query log has no
 * documents, so its index must be there: throws `USAGE` where it is not.
 */
export async function evaluateNamed<T>(
  name: string,
  options: NamedEvaluationOptions,
  visit: (outcome: NamedEvaluation) => Promise<T>,
): Promise<T> {
  const { warnings, signal, k, measures, plan, onWork = () => silentWork } = options;
  const settings = { ...options.reasoning, warnings, onWork };
  const prepare = () => Promise.all(options.reasoners.map((each) => preparedReasoner(each, settings)));
  const planned = options.retriever === undefined ? undefined : retrieverNamed(options.retriever);
  if (planned) checkScoring(planned, options.scoring);
  if (planned && options.index !== undefined) checkHasVectors(planned, options.index);
  const open = openerOf(name, options.index);
  const embedders = await openEmbedders(planned ?? { embedders: [] }, { ...options.dense?.embedder, signal });
  const closing = [() => closeEmbedders(embedders)];
  try {
    const { collection, index, folder, prepared, indexMilliseconds, close } = await open(
      name,
      options,
      prepare,
    );
    closing.unshift(close);
    const scoring = options.scoring ?? planned?.scoring ?? collection.defaultScoring;
    const { parameters } = options;
    const embedding = await withVectors(collection, folder, embedders, options);
    const opened = await openRetriever(planned ?? retrieverNamed(scoring), embedders, {
      index,
      folder,
      parameters,
      warnings,
    });
    closing.unshift(() => opened.close());
    const { retriever } = opened;
    const whole = { ...plan, background: backgroundOf(options, index) };
    const evaluations: Evaluation[] = [];
    let work = silentWork;
    for (const make of prepared) {
      const reasoner = make(index instanceof LexicalIndex ? { index, scoring, parameters } : undefined);
      const parts = [retriever.id, reasoner.id, planName(whole)] as const;
      const isTaken = evaluations.some(({ run }) => run.name === runName(...parts));
      const run = isTaken ? fullRunName(...parts) : runName(...parts);
      const pipeline = { ...whole, reasoner, retriever };
      try {
        // Loading a model is no part of a topic's time.
        if (settings.deadline !== undefined) await reasoner.ready?.({ signal });
        work = onWork(`${collection.name} ${run}`, collection.topics.length);
        const onTopic = (done: number): void => work.update(done);
        evaluations.push(
          await evaluateCollection(collection, pipeline, { name: run, k, measures, signal, onTopic }),
        );
      } finally {
        work.stop();
        await reasoner.close();
      }
    }
    const made = indexMilliseconds + embedding;
    return await visit({ collection, index, retriever, scoring, k, evaluations, indexMilliseconds: made });
  } finally {
    for (const each of closing) await each();
  }
}

type Prepared = Awaited<ReturnType<typeof preparedReasoner>>;

/** A collection with its index. */
interface Opened {
  readonly collection: Collection;
  readonly index: SearchedIndex;
  readonly folder: string;
  readonly prepared: readonly Prepared[];
  readonly indexMilliseconds: number;
  close(): Promise<void>;
}

/** How a collection and its index are opened. Throws `USAGE` for a log and an index in a cluster. */
function openerOf(
  name: string,
  index: string | undefined,
): (
  collection: string,
  options: NamedEvaluationOptions,
  prepare: () => Promise<Prepared[]>,
) => Promise<Opened> {
  const isLog = logFile(name) !== undefined;
  if (index === undefined || !isOpenSearchName(index)) return isLog ? openedLog : openedWithCorpus;
  if (!isLog) return openedInCluster;
  throw new QuernError('USAGE', 'a query log is evaluated on the index of a folder', {
    where: '--index',
    hint: 'Index its documents: quern index CORPUS --out FOLDER',
  });
}

/** Opens an index in a cluster, which was loaded before. */
async function openedInCluster(
  name: string,
  options: NamedEvaluationOptions,
  prepare: () => Promise<Prepared[]>,
): Promise<Opened> {
  const { data, split, analyzer, warnings, signal } = options;
  const collection = await openCollection(name, { data, split, warnings, signal });
  const prepared = await prepare();
  const started = performance.now();
  const index = await OpenSearchIndex.open(options.index!, signal);
  try {
    if (analyzer !== undefined) checkAnalyzer(analyzer, index.analyzer, `${index.name} was made with`);
    const known = await index.known(relevantIds(collection), signal);
    checkRelevant(collection, (id) => known.has(id), warnings);
  } catch (error) {
    await index.close();
    throw error;
  }
  const indexMilliseconds = performance.now() - started;
  return { collection, index, folder: index.name, prepared, indexMilliseconds, close: () => index.close() };
}

function relevantIds({ qrels }: Collection): string[] {
  return [...qrels.values()].flatMap((judgements) =>
    Array.from(judgements).flatMap(([id, level]) => (level > 0 ? [id] : [])),
  );
}

async function openedWithCorpus(
  name: string,
  options: NamedEvaluationOptions,
  prepare: () => Promise<Prepared[]>,
): Promise<Opened> {
  const { data, split, warnings, signal, onWork = () => silentWork } = options;
  const collection = await openCollection(name, { data, split, warnings, signal });
  const prepared = await prepare();
  const started = performance.now();
  let work = silentWork;
  const opened = await openCollectionIndex(collection, {
    folder: options.index,
    analyzer: options.analyzer,
    store: options.store,
    warnings,
    signal,
    onBuild: (bytes) => (work = onWork(`indexing ${collection.name}`, bytes ?? 0)),
    onProgress: (_, bytes) => work.update(bytes),
  }).finally(() => work.stop());
  const { index, folder } = opened;
  const indexMilliseconds = performance.now() - started;
  return { collection, index, folder, prepared, indexMilliseconds, close: () => opened.close() };
}

/** Opens the index first: which clicks of a log count depends on it. */
async function openedLog(
  name: string,
  options: NamedEvaluationOptions,
  prepare: () => Promise<Prepared[]>,
): Promise<Opened> {
  const { split, warnings, signal, onWork = () => silentWork } = options;
  const folder = options.index;
  if (folder === undefined || !(await hasIndex(folder))) throw withoutDocuments(name, folder);
  const bytes = await fileBytes(logFile(name)!);
  const prepared = await prepare();
  const started = performance.now();
  const index = await openIndexMadeWith(folder, options.analyzer);
  const indexMilliseconds = performance.now() - started;
  let read = 0;
  const work = onWork(`reading ${name}`, 2 * (bytes ?? 0));
  try {
    const collection = await openCollection(name, {
      split,
      warnings,
      signal,
      hasDocument: (id) => index.has(id),
      onBytes: (count) => work.update((read += count)),
    });
    return { collection, index, folder, prepared, indexMilliseconds, close: () => index.close() };
  } catch (error) {
    await index.close();
    throw error;
  } finally {
    work.stop();
  }
}

/**
 * Makes the vectors that the index lacks; the milliseconds that took. A log has no corpus to make them of. Throws `USAGE` where those
 * that it has were made otherwise than is asked.
 */
async function withVectors(
  collection: Collection,
  folder: string,
  embedders: OpenEmbedders,
  { dense, signal, onWork }: NamedEvaluationOptions,
): Promise<number> {
  const started = performance.now();
  for (const embedder of embedders.values()) {
    if (collection.traffic || (await hasVectors(embedder, folder))) {
      await checkMadeAs(embedder, folder, dense ?? {});
      continue;
    }
    await embedCorpus(await collection.corpus(), { ...dense, folder, embedder, signal, onWork });
  }
  return performance.now() - started;
}

function backgroundOf(
  { background }: Pick<NamedEvaluationOptions, 'background'>,
  { analyzer }: SearchedIndex,
): Background | undefined {
  return background && Background.of(background.texts, analyzerNamed(analyzer), background.power);
}
