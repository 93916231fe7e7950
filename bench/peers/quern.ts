/** Quern, as any user of its public functions would run it; the weights of a query's terms are part of the search. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { analyzerNamed, IndexBuilder, LexicalIndex } from 'quern';
import type { Hit, TermWeights } from 'quern';
import { documentsOf, word, work } from './job.ts';

/** The search on all cores, where this version of Quern has one. */
interface ManySearches {
  searchAll?(
    weights: readonly TermWeights[],
    options: { k: number; threads: number },
  ): Promise<readonly (readonly Hit[])[]>;
}

const { version } = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('quern/package.json'), 'utf8'),
) as { version: string };

await work<readonly string[]>({
  version: () => `Quern ${version} (Node ${process.versions.node})`,
  async index(job) {
    const builder = await IndexBuilder.create({ out: job.index, analyzer: analyzerNamed('whitespace') });
    for (const terms of documentsOf(job)) {
      const frequencies = new Map<string, number>();
      for (const term of terms) {
        const text = word(term);
        frequencies.set(text, (frequencies.get(text) ?? 0) + 1);
      }
      const id = String(builder.documents);
      await builder.addVector(id, frequencies, id);
    }
    await builder.finish();
    return undefined;
  },
  async indexTexts(job, texts) {
    const builder = await IndexBuilder.create({ out: job.index, analyzer: analyzerNamed('english') });
    for (const [i, text] of texts.entries()) {
      await builder.add({ id: String(i), title: '', text }, String(i));
    }
    await builder.finish();
    return undefined;
  },
  async open(job) {
    const index = await LexicalIndex.open(job.index);
    const weights = (terms: readonly string[]): TermWeights => index.queryWeights(terms, 'bm25');
    const many = index as LexicalIndex & ManySearches;
    return {
      query: (terms) => terms.map(word),
      search: (terms, k) => index.search(weights(terms), { k }),
      rank(terms, k) {
        const hits = index.search(weights(terms), { k });
        return { documents: hits.map(({ id }) => Number(id)), scores: hits.map(({ score }) => score) };
      },
      searchAll:
        many.searchAll &&
        ((queries, k) => many.searchAll!(queries.map(weights), { k, threads: availableParallelism() })),
    };
  },
});
