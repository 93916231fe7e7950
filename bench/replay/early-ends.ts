/** A collection's recorded reasoned queries, ended in many ways, and what each way gives. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import {
  earlyStopName,
  LexicalRetriever,
  parseMeasures,
  StableRanking,
  topicMeasures,
  type EarlyStop,
} from 'quern';
import type { ReasonedCollection } from '../collections/reasoned-collections.js';

const measures = parseMeasures(['ndcg@10', 'recall@100']);
/** All settings that are tried: few, as a choice among many is made by chance where questions are few. */
export const grid: EarlyStop[] = [25, 50].flatMap((every) =>
  [0.7, 0.8, 0.9].flatMap((overlap) => [1, 2, 3].map((checks) => ({ every, depth: 10, overlap, checks }))),
);

const fixedLengths = Array.from({ length: 50 }, (_, i) => 10 * (i + 1));

/** What a way of ending texts gives, topic by topic. */
export interface Outcome {
  readonly name: string;
  readonly tokens: readonly number[];
  readonly ndcg: readonly number[];
  readonly recall: readonly number[];
}

/** Qwen2's tokenizer. */
export function qwenTokenizer(data: string): Tokenizer {
  const json = (name: string): object =>
    JSON.parse(readFileSync(join(data, 'tokenizers/qwen2', name), 'utf8')) as object;
  return new Tokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
}

/** One collection's texts, ended in every way. */
export class Replay {
  readonly set: ReasonedCollection;
  whole!: Outcome;
  readonly stopped: Outcome[] = [];
  readonly fixed: Outcome[] = [];
  readonly #retriever: LexicalRetriever;
  readonly #tokenizer: Tokenizer;
  readonly #known = new Map<string, { ndcg: number; recall: number; tokens: number }>();

  constructor(set: ReasonedCollection, tokenizer: Tokenizer) {
    this.set = set;
    this.#tokenizer = tokenizer;
    this.#retriever = new LexicalRetriever(set.index, set.scoring);
  }

  async run(): Promise<void> {
    const { texts, topics } = this.set;
    this.whole = await this.#outcome('whole', texts);
    for (const setting of grid) {
      const ended: string[] = [];
      for (const [i, text] of texts.entries()) {
        const watch = new StableRanking(this.#retriever, setting, { excluded: topics[i].excluded });
        const end = await watch.enough(text);
        ended.push(end ? text.slice(0, end.length) : text);
      }
      this.stopped.push(await this.#outcome(earlyStopName(setting), ended));
    }
    const ids = texts.map((text) => this.#tokenizer.encode(text).ids);
    for (const length of fixedLengths) {
      const cut = texts.map((text, i) =>
        ids[i].length <= length
          ? text
          : this.#tokenizer.decode(ids[i].slice(0, length)).replace(/\ufffd+$/u, ''),
      );
      this.fixed.push(await this.#outcome(`${length} tokens`, cut));
    }
  }

  async #outcome(name: string, texts: readonly string[]): Promise<Outcome> {
    const all = [];
    for (const [i, text] of texts.entries()) all.push(await this.#measured(i, text));
    return {
      name,
      tokens: all.map(({ tokens }) => tokens),
      ndcg: all.map(({ ndcg }) => ndcg),
      recall: all.map(({ recall }) => recall),
    };
  }

  async #measured(topic: number, text: string): Promise<{ ndcg: number; recall: number; tokens: number }> {
    const key = `${topic} ${text.length}`;
    const known = this.#known.get(key);
    if (known) return known;
    const { id, excluded, text: question } = this.set.topics[topic];
    const weights = this.#retriever.weights(text);
    const searched = weights.size > 0 ? weights : question;
    const hits = await this.#retriever.search(searched, { k: 100, excluded });
    const values = topicMeasures(measures, hits, this.set.collection.qrels.get(id)!);
    const made = {
      ndcg: values['ndcg@10'],
      recall: values['recall@100'],
      tokens: this.#tokenizer.encode(text).ids.length,
    };
    this.#known.set(key, made);
    return made;
  }
}
