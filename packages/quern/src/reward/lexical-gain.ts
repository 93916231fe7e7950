import { meanOf } from '../evaluate/statistics.ts';
import { defaultBm25Parameters, saturation } from '../lexical/bm25.ts';
import { LoopShare } from '../loop-share.ts';
import type { Analyzer } from '../text/analyzer.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import type { Gain, ReadItem } from './reward-part.ts';

/**
 * `lexical`: by how much more of what the reasoned query q' says is in the positives than of the question q, by query-side BM25
 * without an index:
 *
 *     mean over positives d of (s(q', d) - s(q, d)),   s(x, d) = Σ_t w(t,x)·w(t,d) / √(Σ_t w(t,x)² · Σ_t w(t,d)²)
 *
 * with `w(t,x) = tf / (tf + k1)`, k1 = 0.9: BM25's weight where nothing is known of a corpus, so that all terms are as rare as
 * any and all texts of average length. s is BM25Q's score as a share of the most that texts of these weights can have, from 0 to
 * 1, so the gain lies between -1 and 1. A text without terms has s = 0.
 */
export class LexicalGain implements Gain {
  readonly kind = 'gain';
  readonly name = 'lexical';
  readonly #analyzer: Analyzer;

  constructor(analyzer: Analyzer = analyzerNamed('english')) {
    this.#analyzer = analyzer;
  }

  async values(items: readonly ReadItem[], signal?: AbortSignal): Promise<number[]> {
    const share = new LoopShare();
    const known = new Map<string, Weights>();
    const weightsOf = (text: string): Weights => {
      const made = known.get(text) ?? saturatedWeights(this.#analyzer.terms(text));
      known.set(text, made);
      return made;
    };
    const gains: number[] = [];
    for (const { query, reasoned, positives } of items) {
      await share.yield(signal);
      const [after, before] = [weightsOf(reasoned), weightsOf(query)];
      const differences = positives
        .map(weightsOf)
        .map((each) => likeness(after, each) - likeness(before, each));
      gains.push(meanOf(differences));
    }
    return gains;
  }
}

/** Term weights, and the root of the sum of their squares. */
interface Weights {
  readonly weights: ReadonlyMap<string, number>;
  readonly norm: number;
}

function saturatedWeights(terms: Iterable<string>): Weights {
  const weights = new Map<string, number>();
  for (const term of terms) weights.set(term, (weights.get(term) ?? 0) + 1);
  let squares = 0;
  for (const [term, frequency] of weights) {
    const weight = saturation(frequency, defaultBm25Parameters.k1);
    weights.set(term, weight);
    squares += weight * weight;
  }
  return { weights, norm: Math.sqrt(squares) };
}

function likeness(text: Weights, document: Weights): number {
  const most = text.norm * document.norm;
  if (most === 0) return 0;
  let sum = 0;
  for (const [term, weight] of text.weights) sum += weight * (document.weights.get(term) ?? 0);
  return sum / most;
}
