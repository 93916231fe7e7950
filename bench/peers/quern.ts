/** Quern, as any user of its public functions would run it. A query is its terms' weights, as a peer's is its terms' numbers. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { analyzerNamed, IndexBuilder, LexicalIndex } from 'quern';
import type { TermWeights } from 'quern';
import { documentsOf, word, work } from './job.ts';

const { version } = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('quern/package.json'), 'utf8'),
) as { version: string };

await work<TermWeights>({
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
    const { postings } = await builder.finish();
    return `postings: ${((6 * postings) / 1e6).toFixed(1)} MB in memory`;
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
    return {
      query: (terms) => index.queryWeights(terms.map(word), 'bm25'),
      search: (weights, k) => index.search(weights, { k }),
      rank(weights, k) {
        const hits = index.search(weights, { k });
        return { documents: hits.map(({ id }) => Number(id)), scores: hits.map(({ score }) => score) };
      },
      async searchAll(queries, k) {
        let hits = 0;
        for await (const each of index.searchEach(queries, { k })) hits += each.length;
        return hits;
      },
    };
  },
});
