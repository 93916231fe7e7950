/** The collections of the shared data that come with recorded reasoned queries, opened. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  indexCorpus,
  LexicalIndex,
  openCollection,
  RecordedReasoner,
  type Collection,
  type Scoring,
  type Topic,
} from 'quern';

/** A collection, and one reasoner's reasoned queries for its topics. */
export interface ReasonedCollection {
  readonly label: string;
  readonly collection: Collection;
  /** Its topics that have judgements. */
  readonly topics: readonly Topic[];
  readonly index: LexicalIndex;
  readonly scoring: Scoring;
  readonly reasoner: RecordedReasoner;
  /** The reasoned queries, in the order of the topics. */
  readonly texts: readonly string[];
}

const sets = [
  {
    label: 'theoremqa_theorems, 7B',
    name: 'bright:theoremqa_theorems',
    scoring: 'bm25q',
    file: 'bright/reasoned/TongSearch-QR-7B.json.gz',
  },
  {
    label: 'theoremqa_theorems, 1.5B',
    name: 'bright:theoremqa_theorems',
    scoring: 'bm25q',
    file: 'bright/reasoned/TongSearch-QR-1.5B.json.gz',
  },
  {
    label: 'textbooks, recorded',
    name: 'beir:textbooks',
    split: 'reasoned-test',
    scoring: 'bm25',
    file: 'textbooks/reasoned.json',
  },
] as const;

/** Hands them to `visit`, and closes and removes their indexes afterwards. */
export async function withReasonedCollections(
  data: string,
  visit: (collections: readonly ReasonedCollection[]) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'quern-bench-'));
  const indexes = new Map<string, LexicalIndex>();
  try {
    const opened: ReasonedCollection[] = [];
    for (const set of sets) {
      const split = 'split' in set ? set.split : undefined;
      const collection = await openCollection(set.name, { data, split });
      const out = join(folder, set.name.replaceAll(/\W/g, '-'));
      let index = indexes.get(out);
      if (!index) {
        await indexCorpus(await collection.corpus(), { out });
        index = await LexicalIndex.open(out);
        indexes.set(out, index);
      }
      const reasoner = await RecordedReasoner.open(join(data, set.file));
      const topics = collection.topics.filter(({ id }) => collection.qrels.has(id));
      const reasoned = await Promise.all(topics.map(({ text }) => reasoner.reason(text)));
      const texts = reasoned.map(({ text }) => text);
      opened.push({ ...set, collection, topics, index, reasoner, texts });
    }
    await visit(opened);
  } finally {
    for (const index of indexes.values()) await index.close();
    await rm(folder, { recursive: true, force: true });
  }
}
