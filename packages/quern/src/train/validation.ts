/** How good the policy is on questions that it does not learn from: their rewards, and what its reasoned queries find. */
import { openCollection, type Collection } from '../collections/collection.ts';
import type { Topic } from '../collections/records.ts';
import { evaluateCollection } from '../evaluate/evaluation.ts';
import { parseMeasures } from '../evaluate/measures.ts';
import { openCollectionIndex, type CollectionIndex } from '../lexical/collection-index.ts';
import type { Qwen2Model } from '../models/torch/qwen2-model.ts';
import { NoReasoner } from '../reason/none.ts';
import type { Reasoner } from '../reason/reasoner.ts';
import { reasonedQueryOf } from '../reward/completion.ts';
import type { Reward } from '../reward/reward.ts';
import { combineNamed } from '../search/combine.ts';
import { LexicalRetriever } from '../search/lexical-retriever.ts';
import { deviationOf, meanOf } from './advantages.ts';
import type { TrainConfig } from './configuration/train-config.ts';
import { lengthMetrics } from './metrics.ts';
import type { Prompts } from './prompts.ts';
import {
  drawnCompletions,
  rewardedGroups,
  type DrawingSettings,
  type DrawnCompletion,
  type PromptedQuestion,
  type RewardedGroup,
} from './rollout.ts';
import { lengthRules } from './rollout-settings.ts';
import { seedFor, shuffled } from './seeds.ts';

/** How far rankings go that nDCG@10 is measured on. */
const depth = 100;

/** A collection that the policy is measured on. */
export class ValidationCollection {
  readonly #collection: Collection;
  readonly #index: CollectionIndex;
  readonly #topics: readonly Topic[];
  readonly #retriever: LexicalRetriever;
  /** nDCG@10 of the questions alone. */
  readonly none: number;

  private constructor(parts: {
    collection: Collection;
    index: CollectionIndex;
    topics: readonly Topic[];
    retriever: LexicalRetriever;
    none: number;
  }) {
    this.#collection = parts.collection;
    this.#index = parts.index;
    this.#topics = parts.topics;
    this.#retriever = parts.retriever;
    this.none = parts.none;
  }

  /** Opens the collection that a configuration names. Throws what opening it and its index throws. */
  static async open(
    name: string,
    { eval_split: split, eval_index: folder, eval_topics: most, seed }: TrainConfig,
    signal?: AbortSignal,
  ): Promise<ValidationCollection> {
    const collection = await openCollection(name, { split, signal });
    const judged = collection.topics.filter(({ id }) => collection.qrels.has(id));
    const order = shuffled(judged.length, seedFor(seed, 'topics')).slice(0, most ?? judged.length);
    const topics = order.sort((a, b) => a - b).map((i) => judged[i]);
    const index = await openCollectionIndex(collection, { folder, signal });
    try {
      const retriever = new LexicalRetriever(index.index, collection.defaultScoring);
      const none = await ndcg(collection, topics, retriever, new NoReasoner(), signal);
      return new ValidationCollection({ collection, index, topics, retriever, none });
    } catch (error) {
      await index.close();
      throw error;
    }
  }

  /**
   * nDCG@10 where the policy's reasoned query, the likeliest token each time, replaces each question; of a question whose prompt
   * would be longer than `most` tokens the policy is asked the beginning. With it, the topics and what was drawn of them.
   */
  async measured(
    model: Qwen2Model,
    prompts: Prompts,
    { most, ...drawing }: DrawingSettings & { readonly most: number },
    signal?: AbortSignal,
  ): Promise<{
    readonly ndcg: number;
    readonly drawn: readonly (Topic & { readonly completion: DrawnCompletion })[];
  }> {
    const asked = this.#topics.map(({ text }) => ({
      prompt: promptOfBeginning(prompts, text, most),
      seeds: [0],
    }));
    const greedy = { ...drawing, temperature: 0, topP: 1, topK: 0, repetitionPenalty: 1 };
    const drawn = await drawnCompletions(model, prompts, asked, greedy, signal);
    const texts = new Map(
      this.#topics.map(({ text }, i) => [text, reasonedQueryOf(drawn[i][0].text).text ?? text]),
    );
    const policy: Reasoner = {
      id: 'policy',
      reason: async (query) => ({
        query,
        text: texts.get(query) ?? query,
        reasoner: 'policy',
        finish: 'stop',
        promptTokens: 0,
        completionTokens: 0,
        milliseconds: 0,
        cached: false,
      }),
      close: async () => undefined,
    };
    return {
      ndcg: await ndcg(this.#collection, this.#topics, this.#retriever, policy, signal),
      drawn: this.#topics.map((topic, i) => ({ ...topic, completion: drawn[i][0] })),
    };
  }

  close(): Promise<void> {
    return this.#index.close();
  }
}

/** The prompt of a text, or of as much of it as makes a prompt of at most `most` tokens. */
export function promptOfBeginning({ inference }: Prompts, text: string, most: number): number[] {
  const whole = inference(text);
  if (whole.length <= most) return whole;
  const letters = Array.from(text);
  let fitting = 0;
  let beyond = letters.length;
  while (beyond - fitting > 1) {
    const middle = Math.floor((fitting + beyond) / 2);
    if (inference(letters.slice(0, middle).join('')).length <= most) fitting = middle;
    else beyond = middle;
  }
  return inference(letters.slice(0, fitting).join(''));
}

async function ndcg(
  { name, qrels }: Collection,
  topics: readonly Topic[],
  retriever: LexicalRetriever,
  reasoner: Reasoner,
  signal?: AbortSignal,
): Promise<number> {
  const chosen = new Map(topics.flatMap(({ id }) => [[id, qrels.get(id) ?? new Map()] as const]));
  const measures = parseMeasures(['ndcg@10']);
  const pipeline = { reasoner, retriever, combine: combineNamed('replace') };
  const { measures: found } = await evaluateCollection({ name, topics, qrels: chosen }, pipeline, {
    name: reasoner.id,
    k: depth,
    measures,
    signal,
  });
  return found.mean['ndcg@10'];
}

/** The rewards of one completion of each question, drawn as in training, from the same random numbers each time: as figures, and each. */
export async function validationRewards(
  model: Qwen2Model,
  parts: {
    readonly prompts: Prompts;
    readonly reward: Reward;
    readonly questions: readonly PromptedQuestion[];
  },
  config: TrainConfig,
  drawing: DrawingSettings,
  signal?: AbortSignal,
): Promise<{
  readonly figures: Record<string, number>;
  readonly groups: readonly RewardedGroup[];
}> {
  const { prompts, reward, questions } = parts;
  const asked = questions.map(({ prompt }, i) => ({
    prompt,
    seeds: [seedFor(config.seed, 'validation', i)],
  }));
  const drawn = await drawnCompletions(model, prompts, asked, drawing, signal);
  const groups = await rewardedGroups(reward, questions, drawn, lengthRules(config), signal);
  const all = groups.flatMap(({ completions }) => completions);
  const rewards = all.map((each) => each.reward);
  const figures = {
    'eval/reward': meanOf(rewards),
    'eval/reward_std': deviationOf(rewards),
    ...lengthMetrics(all, 'eval/'),
  };
  return { figures, groups };
}
