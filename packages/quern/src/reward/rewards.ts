import { openEmbedder, type EmbedderOptions } from '../dense/embedders.ts';
import type { Embedder } from '../dense/embedder.ts';
import { QuernError } from '../errors.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { KeptVectors } from './kept-vectors.ts';
import { LexicalGain } from './lexical-gain.ts';
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
  /** The analyzer of parts that have no index to take it from. Default `english`. */
  readonly analyzer?: string;
}

/**
 * The reward that a string names: `similarity:EMBEDDER` or `lexical`. Throws `USAGE` for an unknown name, and what opening an
 * embedder throws.
 */
export async function rewardNamed(name: string, settings: RewardSettings = {}): Promise<Reward> {
  const embedders = new OpenedEmbedders(settings);
  try {
    const reward = new WeightedReward(name, [
      { part: await partNamed(name, settings, embedders), weight: 1 },
    ]);
    return {
      id: name,
      score: (batch, signal) => reward.score(batch, signal),
      close: () => embedders.close(),
    };
  } catch (error) {
    await embedders.close();
    throw error;
  }
}

async function partNamed(
  name: string,
  settings: RewardSettings,
  embedders: OpenedEmbedders,
): Promise<RewardPart> {
  const [kind, ...parts] = name.split(':');
  const rest = parts.join(':');
  if (name === 'lexical') return new LexicalGain(analyzerNamed(settings.analyzer ?? 'english'));
  if (kind === 'similarity' && rest !== '') return new SimilarityGain(await embedders.named(rest), settings);
  throw new QuernError('USAGE', `unknown reward ${JSON.stringify(name)}`, {
    hint: 'Rewards are similarity:EMBEDDER and lexical',
  });
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
