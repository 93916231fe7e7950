import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beirCorpus } from '../collections/beir.ts';
import { openCollection } from '../collections/collection.ts';
import { curate } from '../curate/curate.ts';

/** Of the sample collection, which is part of this package. */
const licence = 'MIT';

/** How the sample set is made, and where. */
export interface SampleSetOptions {
  /** The folder of the set. */
  readonly out: string;
  /** A folder for what it is made of. */
  readonly work: string;
  readonly signal: AbortSignal;
}

/**
 * Curates a training set from the collection in `folder`: its questions, and of what was judged for each of them the passages that
 * answer it. The domain of a question is that of its best passage, the first part of the passage's id. No benchmark is looked for.
 */
export async function makeSampleSet(folder: string, { out, work, signal }: SampleSetOptions): Promise<void> {
  const { topics, qrels } = await openCollection(`beir:${folder}`, { signal });
  const { documents } = await beirCorpus(folder, { signal });
  const passages = new Map<string, string>();
  for await (const { document } of documents()) passages.set(document.id, document.text);
  const lines = topics.map(({ id, text }) => {
    const judged = [...(qrels.get(id) ?? [])].toSorted(([, a], [, b]) => b - a);
    const answers = judged.map(([passage, score]) => ({ text: passages.get(passage), score }));
    return JSON.stringify({ id, question: text, domain: judged[0]?.[0].split('/')[0], licence, answers });
  });
  const source = join(work, 'sample.jsonl');
  await writeFile(source, lines.join('\n'));
  await curate([source], {
    out,
    data: work,
    positive: { leastScore: 1 },
    shares: { validation: 0.2, test: 0.2 },
    signal,
  });
}
