import { decimal, count } from '../report/words.ts';
import type { Interval } from './statistics.ts';

/** `value` with its sign, which 0 does not have. */
export function signed(value: number, digits: number): string {
  const text = decimal(value, digits);
  return value > 0 && Number(text) !== 0 ? `+${text}` : text;
}

/** `[a, b]`, or a dash where there is none. */
export function intervalText(interval: Interval | null, digits: number): string {
  return interval ? `[${decimal(interval.low, digits)}, ${decimal(interval.high, digits)}]` : '–';
}

/** A p value: `< 0.001`, or three decimals. */
export function pText(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

/** A p value within a sentence: `p < 0.001`, `p = 0.012`. */
export function pSentence(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`;
}

/** `1 query`, `3,000 queries`. */
export function queries(value: number): string {
  return `${count(value)} ${value === 1 ? 'query' : 'queries'}`;
}

/** `1 search`, `3,000 searches`. */
export function searches(value: number): string {
  return `${count(value)} ${value === 1 ? 'search' : 'searches'}`;
}

/** How a reasoned query ended, in words. */
export const finishWords = {
  stop: 'complete',
  length: 'cut at the token limit',
  early: 'stopped early',
  skipped: 'not asked for',
  failed: 'failed',
} as const;

/** How a measure is written and what it says. */
export interface MeasureWords {
  readonly label: string;
  readonly words: string;
}

const plain: Readonly<Record<string, MeasureWords>> = {
  ndcg: {
    label: 'nDCG',
    words: 'how near the top the relevant documents stand, higher levels counting for more',
  },
  map: {
    label: 'MAP',
    words:
      'average precision: the precision at the rank of each relevant document, averaged over all of them',
  },
  recip_rank: { label: 'MRR', words: '1 divided by the rank of the first relevant document' },
  Rprec: {
    label: 'R-precision',
    words: 'the precision at the rank that equals the number of relevant documents',
  },
  bpref: { label: 'bpref', words: 'how seldom documents judged not relevant stand above relevant ones' },
  set_P: { label: 'Precision', words: 'the part of the retrieved documents that is relevant' },
  set_recall: { label: 'Recall', words: 'the part of the relevant documents that is retrieved' },
  set_F: { label: 'F', words: 'the harmonic mean of precision and recall of all retrieved documents' },
};

const cut: Readonly<Record<string, (k: string) => MeasureWords>> = {
  ndcg: (k) => ({
    label: `nDCG@${k}`,
    words: `how near the top the relevant documents stand among the first ${k}, higher levels counting for more`,
  }),
  map: (k) => ({ label: `MAP@${k}`, words: `average precision over the first ${k} documents` }),
  P: (k) => ({ label: `Precision@${k}`, words: `the part of the first ${k} documents that is relevant` }),
  recall: (k) => ({
    label: `Recall@${k}`,
    words: `the part of the relevant documents that is among the first ${k}`,
  }),
  relative_P: (k) => ({
    label: `Relative precision@${k}`,
    words: `the relevant documents among the first ${k}, of as many as could be there`,
  }),
  success: (k) => ({
    label: `Success@${k}`,
    words: `1 if a relevant document is among the first ${k}, otherwise 0`,
  }),
};

/** The words for a canonical measure name; the name itself, and no words, where there are none. */
export function measureWords(name: string): MeasureWords {
  const [, base, k] = /^(\w+)@(\d+)$/.exec(name) ?? [];
  const words = k === undefined ? get(plain, name) : get(cut, base)?.(k);
  return words ?? { label: name, words: '' };
}

function get<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
