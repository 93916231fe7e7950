import { defaultCacheFolder } from '../../cache-folder.ts';
import type { Environment } from '../../collections/environment.ts';
import type { Warnings } from '../../warnings.ts';
import { Declared } from '../configuration/names.ts';
import type { ServiceConfig } from '../configuration/service-config.ts';
import { Admission } from './admission.ts';
import { DeclaredQuestions } from './declared-questions.ts';
import { Embedders } from './embedders.ts';
import { Indexes, type BuiltIndexes } from './indexes.ts';
import type { Observer } from './observer.ts';
import { orInFull } from './opening-error.ts';
import { Reasoners } from './reasoners.ts';
import { Rerankers } from './rerankers.ts';
import { Rewards } from './rewards.ts';

/** What a service is opened with beside its configuration. */
export interface ServiceSettings {
  readonly warnings: Warnings;
  readonly observer: Observer;
  /** Told what fails outside of any request. Default: the observer's. */
  readonly failed?: Observer['failed'];
  /** Indexes that were built by the service. */
  readonly built?: BuiltIndexes;
  readonly env?: Environment;
}

/** Everything that is served, by whatever protocol. */
export interface Service {
  readonly config: ServiceConfig;
  readonly observer: Observer;
  readonly indexes: Indexes;
  readonly retrievers: Declared<string>;
  readonly reasoners: Reasoners;
  readonly embedders: Embedders;
  readonly rerankers: Rerankers;
  readonly rewards: Rewards;
  readonly questions: DeclaredQuestions;
  /** Where searches wait. */
  readonly searches: Admission;
  /** Where requests for embeddings wait. */
  readonly embeddings: Admission;
  /** Opens the indexes and loads the models that are declared, so that no request is the slow one. Throws what opening throws. */
  ready(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** What a service has that builds nothing. */
const nothingBuilt: BuiltIndexes = { names: [], named: () => undefined, open: (_, opened) => opened() };

/** Searches compute on one thread: more at once would only wait for each other, but for embedders and clusters. */
const concurrentSearches = 4;
const concurrentEmbeddings = 2;

/** Opens what a configuration declares. Throws what opening a reasoner does; indexes and models are opened by `ready`. */
export async function openService(
  config: ServiceConfig,
  { warnings, observer, failed = observer.failed, env, built = nothingBuilt }: ServiceSettings,
): Promise<Service> {
  const cacheFolder = config.cache ?? defaultCacheFolder(env);
  const { searches, embeddings, generations: limits } = config.limits;
  const reasoners = await Reasoners.open(config.reasoners, {
    limits,
    warnings,
    failed,
    cacheFolder,
    ...(env && { env }),
  });
  const models = { cacheFolder, warnings };
  const indexes = new Indexes(config.indexes, built, { warnings, failed });
  const embedders = new Embedders(config.embedders, models);
  const rerankers = new Rerankers(config.rerankers, models);
  const questions = new DeclaredQuestions(config.limits.query);
  const rewards = new Rewards(config.rewards, {
    indexes: config.indexes,
    retrievers: config.retrievers,
    ...models,
  });
  return {
    config,
    observer,
    indexes,
    retrievers: new Declared('retriever', config.retrievers),
    reasoners,
    embedders,
    rerankers,
    rewards,
    questions,
    searches: new Admission('searches', { concurrent: concurrentSearches, ...searches }),
    embeddings: new Admission('embeddings', { concurrent: concurrentEmbeddings, ...embeddings }),
    async ready(signal) {
      for (const [name, { retriever, questions: file }] of config.indexes) {
        if (file !== undefined) await orInFull(questions.page(file, 0, 0), `indexes › ${name} › questions`);
        const opened = indexes.use(name, 'index', async (open) => {
          const named = config.retrievers.get(retriever)!;
          await open.retriever(named, await embedders.ofRetriever(named));
        });
        await orInFull(opened, `indexes › ${name}`);
      }
      for (const name of embedders.names) {
        const embedder = await orInFull(embedders.named(name, 'embedder'), `embedders › ${name}`);
        await embedder.embed(['ready'], 'query', signal);
      }
      for (const name of rerankers.names) {
        await orInFull(rerankers.named(name, 'reranker'), `rerankers › ${name}`);
      }
      for (const name of rewards.names) await orInFull(rewards.open(name), `rewards › ${name}`);
      await reasoners.ready(signal);
    },
    async close() {
      await Promise.all([rewards.close(), rerankers.close(), reasoners.close()]);
      await indexes.close();
      await embedders.close();
    },
  };
}
