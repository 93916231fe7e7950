import { benchmarkName, type Benchmark } from './benchmark.ts';
import { recordCorpus } from './record-files.ts';
import { datasetDocuments, readDatasetTopics, type RetrievalDataset } from './retrieval-dataset.ts';

/** RAR-b's data sets for retrieval from all answers, in MTEB's order, and the names of MTEB's mirrors of them. */
const MIRRORS: Readonly<Record<string, string>> = {
  'ARC-Challenge': 'ARCChallenge',
  alphanli: 'AlphaNLI',
  hellaswag: 'HellaSwag',
  winogrande: 'WinoGrande',
  piqa: 'PIQA',
  siqa: 'SIQA',
  quail: 'Quail',
  spartqa: 'SpartQA',
  'TempReason-l1': 'TempReasonL1',
  'TempReason-l2-pure': 'TempReasonL2Pure',
  'TempReason-l2-fact': 'TempReasonL2Fact',
  'TempReason-l2-context': 'TempReasonL2Context',
  'TempReason-l3-pure': 'TempReasonL3Pure',
  'TempReason-l3-fact': 'TempReasonL3Fact',
  'TempReason-l3-context': 'TempReasonL3Context',
  'humanevalpack-mbpp-pooled': 'RARbCode',
  'math-pooled': 'RARbMath',
};

/**
 * RAR-b (arXiv 2404.06347; github.com/gowitheflow-1998/RAR-b): reasoning tasks whose answers are to be retrieved, a data
 * set in BEIR's layout for each, `RAR-b/TASK`, with the split `test`; MTEB's mirrors are Parquet of the same columns. A
 * task's `instruction.txt`, one text for all its queries, is for models that follow instructions (RAR-b evaluates them with
 * and without it, MTEB hands it to those that take prompts), so queries are left as they are. No query-side BM25 is
 * published for it, so the default is plain BM25.
 */
export const RAR_B: Benchmark = {
  title: 'RAR-b',
  prefix: 'rar-b',
  subsets: Object.keys(MIRRORS),
  defaultScoring: 'bm25',
  readTopics: (task, places, options) => readDatasetTopics(dataset(task), places, options),
  async corpus(task, places, options) {
    return recordCorpus(await datasetDocuments(dataset(task), places), options);
  },
};

function dataset(task: string): RetrievalDataset {
  const lower = task.toLowerCase();
  const mirror = MIRRORS[task];
  return {
    name: benchmarkName(RAR_B, task),
    datasets: [
      {
        repository: `RAR-b/${task}`,
        folders: [`RAR-b/${task}`, `RAR-b/${lower}`, `rar-b/${task}`, `rar-b/${lower}`, task, lower],
      },
      { repository: `mteb/${mirror}`, folders: [`mteb/${mirror}`, mirror] },
    ],
    files: { corpus: 'corpus.jsonl', queries: 'queries.jsonl', qrels: 'qrels/test.tsv' },
  };
}
