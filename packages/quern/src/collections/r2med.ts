import { benchmarkName, type Benchmark } from './benchmark.ts';
import type { CorpusOptions, Placed, TextCorpus } from './corpus.ts';
import { ID_FIELDS, recordId } from './record-fields.ts';
import { recordCorpus, type RecordFiles } from './record-files.ts';
import type { Document } from './records.ts';
import { datasetDocuments, readDatasetTopics, type RetrievalDataset } from './retrieval-dataset.ts';

/**
 * R2MED (arXiv 2505.14558; github.com/R2MED/R2MED at 45cbac5): medical questions, a data set for each subset,
 * `R2MED/SUBSET`, of `corpus.jsonl` (`id`, `text`), `query.jsonl` (`id`, `text`) and `qrels.jsonl` (`q_id`, `p_id`,
 * `score`); MTEB's mirrors of them are Parquet of BEIR's columns. Its baseline is query-side BM25 as BRIGHT's is (gensim's
 * LuceneBM25Model, k1 0.9, b 0.4), without instructions. It has no excluded documents.
 */
export const R2MED: Benchmark = {
  title: 'R2MED',
  prefix: 'r2med',
  subsets: [
    'Biology',
    'Bioinformatics',
    'Medical-Sciences',
    'MedXpertQA-Exam',
    'MedQA-Diag',
    'PMC-Treatment',
    'PMC-Clinical',
    'IIYi-Clinical',
  ],
  defaultScoring: 'bm25q',
  readTopics: (subset, places, options) => readDatasetTopics(dataset(subset), places, options),
  async corpus(subset, places, options) {
    return lastOfEachId(await datasetDocuments(dataset(subset), places), options);
  },
};

function dataset(subset: string): RetrievalDataset {
  const lower = subset.toLowerCase();
  const mirror = `R2MED${subset.replaceAll('-', '')}Retrieval`;
  return {
    name: benchmarkName(R2MED, subset),
    datasets: [
      {
        repository: `R2MED/${subset}`,
        folders: [`R2MED/${subset}`, `R2MED/${lower}`, `r2med/${subset}`, `r2med/${lower}`, subset, lower],
      },
      { repository: `mteb/${mirror}`, folders: [`mteb/${mirror}`, mirror] },
    ],
    files: { corpus: 'corpus.jsonl', queries: 'query.jsonl', qrels: 'qrels.jsonl' },
  };
}

/**
 * The table as a corpus in which the last document of an id stands for all, as in R2MED's evaluation and in MTEB's, which
 * both fill a dictionary; those before it are counted as a warning. The table is read twice.
 */
function lastOfEachId(files: RecordFiles, options: CorpusOptions): TextCorpus {
  const corpus = recordCorpus(files, options);
  return { ...corpus, documents: (onBytes) => lastDocuments(files, corpus, options, onBytes) };
}

async function* lastDocuments(
  files: RecordFiles,
  corpus: TextCorpus,
  { signal, warnings }: CorpusOptions,
  onBytes?: (count: number) => void,
): AsyncGenerator<Placed<Document>> {
  const toCome = new Map<string, number>();
  for await (const placed of files.read([], { signal, optional: ID_FIELDS })) {
    const { id } = recordId(placed);
    toCome.set(id, (toCome.get(id) ?? 0) + 1);
  }
  for await (const placed of corpus.documents(onBytes)) {
    const left = toCome.get(placed.document.id)! - 1;
    toCome.set(placed.document.id, left);
    if (left === 0) yield placed;
    else warnings?.add('document whose id comes again, left out', placed.where);
  }
}
