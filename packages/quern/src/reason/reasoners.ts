import { defaultCacheFolder } from '../cache-folder.ts';
import { QuernError } from '../errors.ts';
import type { Bm25Parameters, Scoring } from '../lexical/bm25.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { BoundedReasoner, type Bounds } from './bounded.ts';
import { CachedReasoner } from './cached-reasoner.ts';
import { CacheOnUse } from './cache/cache-on-use.ts';
import type { Configuration, ReasonerConfiguration } from './configuration.ts';
import { LlamaReasoner } from './llama.ts';
import { NoReasoner } from './none.ts';
import { serverNames } from '../models/openai/openai-address.ts';
import { OpenAiReasoner } from './openai.ts';
import { OpenAiPool } from './openai-pool.ts';
import type { Reasoner } from './reasoner.ts';
import { RecordedReasoner } from './recorded.ts';
import { Rm3Reasoner } from './rm3.ts';
import { SeveralReasoner } from './several.ts';
import { namedMembers } from './several-names.ts';
import { ScreenedReasoner, type ScreenSettings } from './screened-reasoner.ts';
import type { ModelSettings } from './settings.ts';
import { TorchReasoner } from './torch.ts';

/** The index that a reasoner learns from, and how it is searched. */
export interface Feedback {
  readonly index: LexicalIndex;
  readonly scoring: Scoring;
  /** Default: 0.9 and 0.4. */
  readonly parameters?: Bm25Parameters;
}

/** How reasoners are opened by their names. */
export interface ReasonerSettings extends ModelSettings, Bounds, ScreenSettings {
  /** What is declared of reasoners, by their names. */
  readonly configuration?: Configuration;
  /** Whether what language models write is taken from the cache and kept there. Default true. */
  readonly cached?: boolean;
  /** Ask anew for what is in the cache. Default false. */
  readonly refresh?: boolean;
  /** Put around each language model, under the cache: what it does is done for calls that generate, and for no others. */
  readonly around?: (model: Reasoner) => Reasoner;
}

/**
 * The reasoner that a string names: `none`, `rm3` (which learns from the index that is given), `file:PATH`,
 * `llama:PATH_OR_HUB_ID`, `torch:FOLDER_OR_HUB_ID` or `openai:MODEL@URL`, of which several servers are `openai:MODEL@URL,URL`; several of them are `join:A,B`, and samples of one `3*A`. Language models
 * are cached, screened and bounded: where they fail, the query stands alone, unless they are to be strict. A recorded file is
 * data: a question that it lacks is an error. Throws `USAGE` for an unknown name, for samples of a reasoner that always says
 * the same, or when `rm3` has no lexical index to learn from; and what opening a file throws.
 */
export async function reasonerNamed(
  name: string,
  { feedback, ...settings }: ReasonerSettings & { readonly feedback?: Feedback } = {},
): Promise<Reasoner> {
  return (await preparedReasoner(name, settings))(feedback);
}

/**
 * {@link reasonerNamed} in two steps: whatever can be wrong with the name or its file is found now, before an index is
 * built, and the index is handed in later. Models are not loaded before they are asked.
 */
export async function preparedReasoner(
  name: string,
  settings: ReasonerSettings = {},
): Promise<(feedback?: Feedback) => Reasoner> {
  const named = namedMembers(name);
  const constant = named.find(({ name: each, samples }) => samples > 1 && !isSampled(each));
  if (constant) {
    throw new QuernError('USAGE', `${constant.name} says the same each time: there are no samples of it`, {
      where: name,
      hint: 'Samples are of llama:…, torch:… and openai:…',
    });
  }
  if (named.length === 1 && named[0].name === name) return preparedOne(name, settings);
  const prepared = await Promise.all(
    named.map(async (each) => ({ ...each, prepare: await preparedOne(each.name, settings) })),
  );
  return (feedback) => {
    const members = prepared.flatMap(({ prepare, samples }) => {
      const reasoner = prepare(feedback);
      return Array.from({ length: samples }, (_, sample) => ({ reasoner, sample }));
    });
    return new SeveralReasoner(name, members);
  };
}

function isSampled(name: string): boolean {
  return name !== 'none' && name !== 'rm3' && !name.startsWith('file:');
}

async function preparedOne(
  name: string,
  settings: ReasonerSettings,
): Promise<(feedback?: Feedback) => Reasoner> {
  if (name === 'none') return () => new NoReasoner();
  if (name === 'rm3') return rm3;
  const [kind, ...parts] = name.split(':');
  const rest = parts.join(':');
  if (rest !== '') {
    switch (kind) {
      case 'file': {
        const reasoner = await RecordedReasoner.open(rest);
        return () => reasoner;
      }
      case 'llama':
      case 'torch': {
        const { concurrency, sampling, threads, adapters } = declared(name, settings);
        const own = {
          parallel: concurrency,
          sampling: { ...sampling, ...settings.sampling },
          threads,
          adapters,
        };
        const Local = kind === 'llama' ? LlamaReasoner : TorchReasoner;
        return modelReasoner(() => new Local(rest, { ...settings, ...own }), settings);
      }
      case 'openai': {
        const { sampling, seed, warnings, env, outage, onServer } = settings;
        if (serverNames(name).length > 1) {
          const configurations = declaredServers(name, settings);
          const options = { name, sampling, seed, warnings, env, outage, onServer, configurations };
          return modelReasoner(() => OpenAiPool.create(options), settings);
        }
        const configuration = declared(name, settings);
        const options = { name, sampling, seed, warnings, env, configuration };
        return modelReasoner(() => OpenAiReasoner.create(options), settings);
      }
    }
  }
  throw new QuernError('USAGE', `unknown reasoner ${JSON.stringify(name)}`, {
    hint: /\.gguf$|^[^:]+\/[^:]+$/.test(name)
      ? `A model is named llama:${name}`
      : name.includes(',')
        ? 'After a comma of join:A,B stands none, rm3, file:PATH, llama:PATH_OR_HUB_ID, torch:FOLDER_OR_HUB_ID or openai:MODEL@URL'
        : 'Reasoners are none, rm3, file:PATH, llama:PATH_OR_HUB_ID, torch:FOLDER_OR_HUB_ID and openai:MODEL@URL; join:A,B are several, 3*A samples',
  });
}

/**
 * A language model, behind the cache, screened and within its bounds; the first is made now, so that what is wrong is known.
 */
function modelReasoner(make: () => Reasoner, settings: ReasonerSettings): () => Reasoner {
  const { cached = true, refresh, env, warnings, cacheFolder = defaultCacheFolder(env) } = settings;
  let first: Reasoner | undefined = make();
  return () => {
    const made = first ?? make();
    first = undefined;
    const model = settings.around?.(made) ?? made;
    const source = cached
      ? new CachedReasoner(model, new CacheOnUse(cacheFolder, warnings), { refresh, ownsCache: true })
      : model;
    return new BoundedReasoner(new ScreenedReasoner(source, settings), settings);
  };
}

/** What the configuration says of a reasoner; how many at once the caller's settings say before it. */
function declared(
  name: string,
  { configuration, parallel, warnings }: ReasonerSettings,
): ReasonerConfiguration {
  const found = configuration?.reasoners.get(name);
  if (configuration && !found && configuration.reasoners.size > 0) {
    const names = [...configuration.reasoners.keys()].join(', ');
    warnings?.add(`the configuration says nothing of ${name}, but of ${names}`, name);
  }
  return { ...found, concurrency: parallel ?? found?.concurrency };
}

/** What the configuration says of several servers together and of each by itself, as {@link declared} tells it of one. */
function declaredServers(
  name: string,
  { configuration, parallel, warnings }: ReasonerSettings,
): ReadonlyMap<string, ReasonerConfiguration> {
  const names = [name, ...serverNames(name)];
  const found = names.filter((each) => configuration?.reasoners.has(each));
  if (found.length === 0) declared(name, { configuration, warnings });
  const declarations = names.map((each) => [each, configuration?.reasoners.get(each) ?? {}] as const);
  return new Map(
    declarations.map(([each, own]) => [
      each,
      parallel === undefined ? own : { ...own, concurrency: parallel },
    ]),
  );
}

function rm3(feedback: Feedback | undefined): Reasoner {
  if (feedback) {
    const { index, scoring, parameters } = feedback;
    return new Rm3Reasoner(index, scoring, { parameters });
  }
  throw new QuernError('USAGE', 'rm3 learns from an index in a folder, and none is given', {
    hint: 'Name a lexical index, e.g. with --index FOLDER; OpenSearch keeps no vectors of documents to learn from',
  });
}
