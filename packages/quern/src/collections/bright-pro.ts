import { join } from 'node:path';
import { benchmarkName, type Benchmark } from './benchmark.ts';
import { brightTopics } from './bright-topics.ts';
import { datasetFolders, datasetNotFound, type HubDataset, type HubPlaces } from './hub-dataset.ts';
import { recordCorpus, recordFiles, type RecordFiles } from './record-files.ts';

// Not the data folder itself: BRIGHT may lie there, whose `examples` and `documents` are named alike.
const DATASET: HubDataset = { repository: 'yale-nlp/Bright-Pro', folders: ['Bright-Pro', 'bright-pro'] };

/**
 * BRIGHT-Pro (arXiv 2605.04018; github.com/yale-nlp/Bright-Pro at b31d5f1): BRIGHT's seven Stack Exchange subsets,
 * annotated anew. `examples/SUBSET.parquet` holds `id`, `query` and `gold_ids`, judged 1 as in its evaluation code, and
 * `documents/SUBSET.parquet` holds `id` and `content`; JSONL does as well. Its baseline is BRIGHT's query-side BM25
 * (gensim's LuceneBM25Model, k1 0.9, b 0.4), without instructions. It has no excluded documents. The weighted `aspects` of its
 * own measures (α-nDCG@25, weighted aspect recall) are not read.
 */
export const BRIGHT_PRO: Benchmark = {
  title: 'BRIGHT-Pro',
  prefix: 'bright-pro',
  subsets: [
    'biology',
    'earth_science',
    'economics',
    'psychology',
    'robotics',
    'stackoverflow',
    'sustainable_living',
  ],
  defaultScoring: 'bm25q',
  async readTopics(subset, places, { warnings, signal }) {
    const files = await configFiles('examples', 'topics', subset, places);
    return brightTopics(files.read(['id', 'query', 'gold_ids'], { signal }), 'gold_ids', warnings);
  },
  async corpus(subset, places, options) {
    return recordCorpus(await configFiles('documents', 'documents', subset, places), options);
  },
};

async function configFiles(
  config: string,
  what: string,
  subset: string,
  places: HubPlaces,
): Promise<RecordFiles> {
  const searched = await datasetFolders([DATASET], places);
  for (const folder of searched.folders) {
    const files = await recordFiles(join(folder, config), subset);
    if (files !== undefined) return files;
  }
  const wanted = [`${config}/${subset}.parquet`, `${config}/${subset}.jsonl`];
  const missing = { name: benchmarkName(BRIGHT_PRO, subset), what, wanted, needed: wanted.slice(0, 1) };
  throw datasetNotFound(missing, searched, DATASET, places);
}
