import { openEmbedder } from '../dense/embedders.ts';
import type { EmbedderOptions } from '../dense/model-options.ts';
import type { Embedder } from '../dense/embedder.ts';
import { QuernError } from '../errors.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { lexicalBatch, vectorBatch } from './batch-collection.ts';
import {
  copyingFault,
  formatFault,
  languageFault,
  lengthFault,
  repetitionFault,
  truncationFault,
} from './faults.ts';
import { KeptVectors } from './kept-vectors.ts';
import { LexicalGain } from './lexical-gain.ts';
import { namedParts } from './mix-name.ts';
import { rankMeasureNamed } from './rank-measure.ts';
import { RetrievalGain } from './retrieval-gain.ts';
import type { RewardCollection } from './reward-collection.ts';
import type { RewardPart } from './reward-part.ts';
import type { Reward } from './reward.ts';
import { SimilarityGain } from './similarity-gain.ts';
import { WeightedReward } from './weighted-reward.ts';

/** How rewards are opened by their names. */
export interface RewardSettings {
  /** Opens an embedder by its name, once for each name; it is closed with the reward. Default: `openEmbedder`. */
  readonly embedders?: (name: string) => Promise<Embedder>;
  /** How `openEmbedder` opens embedders. */
  readonly embedding?: EmbedderOptions;
  /** Embed questions and reasoned queries as queries, with their instruction; see `SimilaritySettings`. Default false. */
  readonly asQueries?: boolean;
  /** Bytes of vectors of questions and positives that are kept of each embedder. Default 256 MiB. */
  readonly keptBytes?: number;
  /** What `retrieval:MEASURE` ranks positives among. Default: the positives of the batch. */
  readonly collection?: RewardCollection;
  /** The analyzer of parts that have no index to take it from. Default `english`. */
  readonly analyzer?: string;
}

/**
 * The reward that a string names: `similarity:EMBEDDER`; `retrieval:MEASURE` in the collection that is given, or among the
 * positives of the batch by query-side BM25; `retrieval:MEASURE:EMBEDDER` among those by an embedder; `lexical`; or
 * `mix:WEIGHT*REWARD,…`, in which there can also be `length:BUDGET`, `truncation`, `copying`, `repetition`, `language` and
 * `format`, with weights below 0. Throws `USAGE` for an unknown name or a mix that rewards a fault, and what opening an embedder
 * throws. It closes its embedders, but not the collection that was given.
 */
export async function rewardNamed(name: string, settings: RewardSettings = {}): Promise<Reward> {
  const embedders = new OpenedEmbedders(settings);
  try {
    const named = namedParts(name);
    const similarities = named.filter((each) => each.name.startsWith('similarity:')).length;
    const members = [];
    for (const { name: partName, weight } of named) {
      const similarityName = similarities > 1 ? partName : undefined;
      members.push({ part: await partNamed(partName, { ...settings, similarityName }, embedders), weight });
    }
    if (named.length === 1 && named[0].name === name && members[0].part.kind === 'fault') {
      throw new QuernError('USAGE', `${name} says how much of a fault there is, and is no reward`, {
        hint: `Use it in a mix, e.g. mix:1*lexical,-0.1*${name}`,
      });
    }
    const reward = new WeightedReward(name, members);
    return {
      id: name,
      partNames: reward.partNames,
      score: (batch, signal) => reward.score(batch, signal),
      forget: () => reward.forget(),
      close: () => embedders.close(),
    };
  } catch (error) {
    await embedders.close();
    throw error;
  }
}

/** Whether a reward, or a part of it, is `retrieval:MEASURE` and ranks in a collection that is given. */
export function ranksInCollection(name: string): boolean {
  return namedParts(name).some(({ name: part }) => /^retrieval:[^:]*$/.test(part));
}

/** Whether a reward, or a part of it, ranks the positives of a batch by an embedder, whatever collection is given. */
export function ranksInBatch(name: string): boolean {
  return namedParts(name).some(({ name: part }) => /^retrieval:[^:]*:./.test(part));
}

const faults: ReadonlyMap<string, RewardPart> = new Map(
  [truncationFault, copyingFault, repetitionFault, languageFault, formatFault].map((each) => [
    each.name,
    each,
  ]),
);

async function partNamed(
  name: string,
  settings: RewardSettings & { readonly similarityName?: string },
  embedders: OpenedEmbedders,
): Promise<RewardPart> {
  const fault = faults.get(name);
  if (fault) return fault;
  const analyzer = analyzerNamed(settings.analyzer ?? 'english');
  const [kind, ...parts] = name.split(':');
  const rest = parts.join(':');
  if (name === 'lexical') return new LexicalGain(analyzer);
  if (rest !== '') {
    switch (kind) {
      case 'similarity':
        return new SimilarityGain(await embedders.named(rest), {
          ...settings,
          name: settings.similarityName,
        });
      case 'retrieval': {
        const measure = rankMeasureNamed(parts[0]);
        if (parts.length > 1) {
          return new RetrievalGain(measure, vectorBatch(await embedders.named(parts.slice(1).join(':'))));
        }
        return new RetrievalGain(measure, settings.collection ?? lexicalBatch(analyzer));
      }
      case 'length':
        return lengthFault(budgetOf(rest, name));
    }
  }
  const lacks = {
    similarity: 'an embedder, e.g. similarity:onnx:MODEL',
    retrieval: 'a measure, e.g. retrieval:rank',
    length: 'a budget in tokens, e.g. length:400',
  }[name];
  if (lacks !== undefined) throw new QuernError('USAGE', `${name} needs ${lacks}`);
  throw new QuernError('USAGE', `unknown reward ${JSON.stringify(name)}`, {
    hint:
      'Rewards are similarity:EMBEDDER, retrieval:MEASURE, lexical and mix:WEIGHT*REWARD,…; in a mix also length:BUDGET, ' +
      'truncation, copying, repetition, language and format',
  });
}

function budgetOf(text: string, name: string): number {
  const budget = Number(text);
  if (/^\d+$/.test(text) && budget >= 1 && Number.isSafeInteger(budget)) return budget;
  throw new QuernError('USAGE', 'the budget is a whole number of tokens, 1 or more', { where: name });
}

/** The embedders of a reward, each opened once. */
class OpenedEmbedders {
  readonly #settings: RewardSettings;
  readonly #opened = new Map<string, KeptVectors>();

  constructor(settings: RewardSettings) {
    this.#settings = settings;
  }

  async named(name: string): Promise<KeptVectors> {
    const known = this.#opened.get(name);
    if (known) return known;
    const { embedders = (each) => openEmbedder(each, this.#settings.embedding), keptBytes } = this.#settings;
    const vectors = new KeptVectors(await embedders(name), keptBytes);
    this.#opened.set(name, vectors);
    return vectors;
  }

  async close(): Promise<void> {
    for (const { embedder } of this.#opened.values()) await embedder.close();
  }
}
