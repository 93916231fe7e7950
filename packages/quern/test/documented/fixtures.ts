/** What a reader has before a command that takes it: each by the name that the documents give it, made when one needs it. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sampleFolder } from '../beir-collection.ts';
import { writeTinyAdapter } from '../tiny-adapter.ts';
import { writeTinyCheckpoint } from '../tiny-checkpoint.ts';
import {
  copyOfSample,
  copySample,
  writeArchive,
  writeBright,
  writeDump,
  writeQuestions,
  writeReasoned,
  writeSearches,
} from './data-files.ts';
import { clusterAddress } from './stand-ins.ts';

/** What makes a fixture. */
export interface Making {
  /** Where it is to be. */
  readonly path: string;
  /** Runs the command line in the fixture's folder. Throws, with what it said, where it fails. */
  readonly quern: (...args: string[]) => Promise<void>;
  /** The path of another fixture, made where it was not. */
  readonly fixture: (name: string) => Promise<string>;
  /** A text with the addresses of stand-ins in place of those of the documents. */
  readonly addressed: (text: string) => Promise<string>;
}

export interface Fixture {
  /** Its path in the reader's folder. */
  readonly name: string;
  readonly make: (making: Making) => Promise<void> | void;
  /** Where the documents call different things by its name: the commands that take this one. */
  readonly of?: RegExp;
  /** Fixtures that it names in its turn. */
  readonly beside?: readonly string[];
}

const index: Fixture['make'] = ({ path, quern }) => quern('index', sampleFolder, '--out', path, '--store');

/** A checkpoint where a training would have written one. */
const checkpoint = (name: string, seed: number): Fixture => ({
  name,
  make: ({ path }) => writeTinyCheckpoint(path, { seed }),
});

/** The LoRA adapter of the hub's smaller or larger model. */
const adapter = (name: string, base: string): Fixture => ({
  name,
  make: ({ path }) => writeTinyAdapter(path, { config: { base_model_name_or_path: base } }),
});

export const fixtures: readonly Fixture[] = [
  { name: 'my.index', make: index },
  { name: 'notes.index', make: index },
  checkpoint('my-checkpoint', 11),
  checkpoint('runs/first/checkpoint-150', 12),
  checkpoint('runs/imitated/checkpoint-150', 13),
  checkpoint('runs/domain/checkpoint-150', 14),
  // The document trains it, where LibTorch is.
  checkpoint('runs/practice/checkpoint-4', 15),
  adapter('my-adapter', 'Qwen/Qwen2.5-1.5B-Instruct'),
  adapter('runs/lora/checkpoint-150', 'Qwen/Qwen2.5-7B-Instruct'),
  {
    name: 'model.gguf',
    make: async ({ path, quern, fixture }) => quern('export', await fixture('my-checkpoint'), '--out', path),
  },
  { name: 'corpus.jsonl', make: ({ path }) => copyOfSample('corpus.jsonl')(path) },
  { name: 'corpus.jsonl.gz', make: ({ path }) => copyOfSample('corpus.jsonl')(path) },
  { name: 'documents.jsonl', make: ({ path }) => copyOfSample('corpus.jsonl')(path) },
  { name: 'queries.jsonl', make: ({ path }) => copyOfSample('queries.jsonl')(path) },
  { name: 'test.tsv', make: ({ path }) => copyOfSample('qrels/test.tsv')(path) },
  { name: 'reasoned.json', make: ({ path }) => copyOfSample('reasoned.json')(path) },
  { name: 'reasoned.jsonl', make: ({ path }) => writeReasoned(path) },
  { name: 'searches.tsv', make: ({ path }) => writeSearches(path) },
  { name: 'searches.jsonl', make: ({ path }) => writeSearches(path) },
  { name: 'questions.jsonl', make: ({ path }) => writeQuestions(path) },
  { name: 'beer.stackexchange.com.7z', make: ({ path }) => writeArchive(path) },
  { name: 'dumps/beer.2017', make: ({ path }) => writeDump(path) },
  {
    name: 'DATA',
    make: ({ path }) => {
      copySample(join(path, 'nfcorpus'));
      writeBright(path);
    },
  },
  {
    // In the cluster; the file says that it is there.
    name: 'opensearch:nfcorpus',
    make: async ({ path, quern, addressed }) => {
      const name = await addressed(`opensearch:nfcorpus@${clusterAddress}`);
      await quern('index', sampleFolder, '--to', name);
      writeFileSync(path, name);
    },
  },
  {
    name: 'my-training-set',
    make: ({ path, quern }) => {
      writeQuestions(`${path}.jsonl`);
      return quern('curate', `${path}.jsonl`, '--out', path);
    },
  },
  {
    name: 'my.yaml',
    beside: ['my-training-set'],
    make: ({ path }) => {
      writeFileSync(
        path,
        'train_data: [my-training-set]\nmodel_name_or_path: Qwen/Qwen2.5-1.5B-Instruct\nreward: lexical\n',
      );
    },
  },
  { name: 'token', make: ({ path }) => writeFileSync(path, `${'t'.repeat(40)}\n`, { mode: 0o600 }) },
  {
    name: 'quern.yaml',
    of: / reason /,
    make: async ({ path, addressed }) =>
      writeFileSync(
        path,
        await addressed(
          'reasoners:\n  openai:tongsearch-qr-7b@http://localhost:8000/v1:\n    concurrency: 16\n',
        ),
      ),
  },
  {
    // What the documents of the service suppose where they do not declare it themselves.
    name: 'service.yaml',
    make: async ({ path, addressed }) =>
      writeFileSync(
        path,
        await addressed(`reasoners: { qr: 'openai:qwen2.5:1.5b@http://localhost:11434/v1' }
embedders: { mini: 'onnx:Xenova/all-MiniLM-L6-v2' }
rewards: { overlap: lexical }
data: ./data
`),
      ),
  },
];

/** Puts a made fixture where a reader has it. */
export function putFixture(from: string, to: string): void {
  mkdirSync(join(to, '..'), { recursive: true });
  cpSync(from, to, { recursive: true });
}
