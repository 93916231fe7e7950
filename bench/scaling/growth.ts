/** How a search of the embedded index grows with its documents: postings read, seconds and bytes, by counting and timing. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { analyzerNamed, IndexBuilder, LexicalIndex } from 'quern';
import { zipf } from '../peers/corpora.js';
import { documentsOf, word } from '../peers/job.js';

/** Of queries with so many terms at one k, means a query, and times that are medians over rounds of the mean. */
export interface GrowthCell {
  readonly documents: number;
  readonly terms: number;
  readonly k: number;
  readonly postings: number;
  readonly milliseconds: number;
}

/** Of an index. */
export interface GrowthIndex {
  readonly documents: number;
  readonly postings: number;
  readonly bytesOnDisk: number;
  readonly residentBytes: number;
  readonly documentsPerSecond: number;
}

const queriesTimed = 60;
const rounds = 5;

/** Makes and searches the index of `documents` synthetic documents (`zipf` of `bench/peers/corpora.ts`); tells each cell. */
export async function growthAt(documents: number, tell: (cell: GrowthCell) => void): Promise<GrowthIndex> {
  const home = resolve('.bench-peers');
  mkdirSync(join(home, 'corpora'), { recursive: true });
  const folder = join(home, 'corpora', `zipf-${documents}`);
  const corpus = await zipf({ data: '', folder, timed: queriesTimed, ranked: 0 }, documents);
  const out = join(home, `growth-${documents}`);
  if (existsSync(out)) await rm(out, { recursive: true });
  try {
    const job = { corpus: corpus.folder, terms: corpus.terms } as Parameters<typeof documentsOf>[0];
    const builder = await IndexBuilder.create({ out, analyzer: analyzerNamed('whitespace') });
    const start = performance.now();
    for (const terms of documentsOf(job)) {
      const frequencies = new Map<string, number>();
      for (const term of terms) {
        const text = word(term);
        frequencies.set(text, (frequencies.get(text) ?? 0) + 1);
      }
      const id = String(builder.documents);
      await builder.addVector(id, frequencies, id);
    }
    const { postings, bytes } = await builder.finish();
    const seconds = (performance.now() - start) / 1000;
    const residentBefore = process.memoryUsage().rss;
    const index = await LexicalIndex.open(out);
    try {
      for (const { name } of corpus.sets) {
        const file = readFileSync(join(corpus.folder, `${name}.time.json`), 'utf8');
        const queries = (JSON.parse(file) as number[][])
          .slice(0, queriesTimed)
          .map((terms) => index.queryWeights(terms.map(word), 'bm25'));
        for (const k of [10, 1000]) {
          const readBefore = index.postingsRead;
          for (const weights of queries) index.search(weights, { k });
          const read = (index.postingsRead - readBefore) / queries.length;
          const times = Array.from({ length: rounds }, () => {
            const roundStart = performance.now();
            for (const weights of queries) index.search(weights, { k });
            return (performance.now() - roundStart) / queries.length;
          });
          tell({
            documents,
            terms: Number(name.split(' ')[0]),
            k,
            postings: read,
            milliseconds: times.toSorted((a, b) => a - b)[rounds >> 1],
          });
        }
      }
      return {
        documents,
        postings,
        bytesOnDisk: bytes,
        residentBytes: process.memoryUsage().rss - residentBefore,
        documentsPerSecond: documents / seconds,
      };
    } finally {
      await index.close();
    }
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}
