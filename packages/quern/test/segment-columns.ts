import { blockSize } from '../src/lexical/search-memory.ts';
import { denseTermsOf } from '../src/lexical/dense-codes.ts';
import type { QueryTerms } from '../src/lexical/segment-search.ts';
import { rareCode } from '../src/lexical/posting-codes.ts';
import type { SearchColumns } from '../src/lexical/search-columns.ts';
import { SegmentMemory } from '../src/lexical/segment-memory.ts';

/** What a segment is made of, in plain lists. */
export interface Corpus {
  readonly lengths: Uint32Array;
  /** Each term's documents, ascending, and the frequencies in them. */
  readonly postings: readonly {
    readonly documents: readonly number[];
    readonly frequencies: readonly number[];
  }[];
  /** Which pairs of frequency and length have no code. */
  readonly isRare: (frequency: number, length: number) => boolean;
  readonly deleted: readonly number[];
  /** Place of each document in the order of ids. */
  readonly places: Uint32Array;
}

/** The corpus as a segment's columns. */
export function columnsOf({ lengths, postings, isRare, deleted, places }: Corpus): SearchColumns {
  const total = postings.reduce((sum, { documents }) => sum + documents.length, 0);
  const memory = new SegmentMemory(6 * total + 24 * lengths.length + 4 * deleted.length + (1 << 20));
  const words = (values: ArrayLike<number>): Uint32Array => {
    const array = new Uint32Array(memory.memory.buffer, memory.allocate(4 * values.length), values.length);
    array.set(values);
    return array;
  };
  const pairs = new Map<string, number>();
  const rare: number[][] = [[], [], []];
  const codes = postings.flatMap(({ documents, frequencies }, term) =>
    documents.map((document, i) => {
      const pair = `${frequencies[i]} ${lengths[document]}`;
      if (isRare(frequencies[i], lengths[document])) {
        [term, document, frequencies[i]].forEach((value, column) => rare[column].push(value));
        return rareCode;
      }
      if (!pairs.has(pair)) pairs.set(pair, pairs.size);
      return pairs.get(pair)!;
    }),
  );
  const codeColumn = new Uint16Array(memory.memory.buffer, memory.allocate(2 * total), total);
  codeColumn.set(codes);
  let end = 0;
  const order = new Uint32Array(lengths.length);
  places.forEach((place, document) => (order[place] = document));
  const documents = words(postings.flatMap((term) => term.documents));
  const offsets = words([0, ...postings.map((term) => (end += term.documents.length))]);
  const denseTerms = words(denseTermsOf(offsets, lengths.length));
  return {
    memory: memory.memory,
    offsets,
    denseTerms,
    denseCodes: words(denseTerms.map(() => 0)),
    documents: new Int32Array(documents.buffer, documents.byteOffset, documents.length),
    codes: codeColumn,
    codeFrequencies: words([...pairs.keys()].map((pair) => Number(pair.split(' ')[0]))),
    codeLengths: words([...pairs.keys()].map((pair) => Number(pair.split(' ')[1]))),
    rareTerms: words(rare[0]),
    rareDocuments: words(rare[1]),
    rareFrequencies: words(rare[2]),
    lengths: words(lengths),
    order: words(order),
    places: words(places),
    deleted: words(deleted),
  };
}

/** Numbers below 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * A corpus of about so many blocks; terms of all densities, some only in a stretch of it; lengths and frequencies vary
 * little, so that scores tie.
 */
export function randomCorpus(seed: number, terms: number, blocks = 4): Corpus {
  const random = seeded(seed);
  const documents = Math.ceil(blockSize * blocks * (1 + random() / 2));
  const spread = 1 + Math.floor(random() * 5);
  const lengths = Uint32Array.from({ length: documents }, () => 20 + Math.floor(random() * spread));
  const postings = Array.from({ length: terms }, () => {
    const density = 2 ** (-14 * random());
    const from = random() < 0.7 ? 0 : Math.floor(random() * documents);
    const to = random() < 0.7 ? documents : Math.min(documents, from + Math.floor(random() * blockSize));
    const list = { documents: [] as number[], frequencies: [] as number[] };
    // Gaps of a geometric distribution.
    for (let at = from; ; at++) {
      at += Math.floor(Math.log(1 - random()) / Math.log(1 - Math.min(density, 0.999)));
      if (at >= to) return list;
      list.documents.push(at);
      list.frequencies.push(random() < 0.8 ? 1 : 1 + Math.floor(random() * 4));
    }
  });
  const rareLength = random() < 0.5 ? 20 : -1;
  const deleted = random() < 0.5 ? [] : Array.from({ length: 300 }, () => Math.floor(random() * documents));
  // A permutation, as the order of ids is.
  const places = Uint32Array.from({ length: documents }, (_, i) => i);
  for (let i = documents - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [places[i], places[j]] = [places[j], places[i]];
  }
  return {
    lengths,
    postings,
    isRare: (frequency, length) => frequency === 4 && length === rareLength,
    deleted: [...new Set(deleted)].sort((a, b) => a - b),
    places,
  };
}

/** A query of all terms of a corpus. */
export function allTerms(corpus: Corpus, weightOf: (term: number) => number): QueryTerms {
  const numbers = Uint32Array.from(corpus.postings.keys());
  return { numbers, weights: Float64Array.from(numbers, weightOf) };
}
