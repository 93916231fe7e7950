import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openCorpus } from '../src/collections/open-corpus.ts';
import { indexCorpus } from '../src/lexical/index-corpus.ts';
import { LexicalIndex } from '../src/lexical/lexical-index.ts';
import { RecordedReasoner } from '../src/reason/recorded.ts';
import type { Pipeline } from '../src/search/pipeline.ts';
import { LexicalRetriever } from '../src/search/lexical-retriever.ts';
import { sampleFolder } from './beir-collection.ts';

/** An index of the sample collection with its texts, and the pipeline of its recorded reasoned queries. */
export async function samplePipeline(
  folder: string,
): Promise<{ readonly index: LexicalIndex; readonly pipeline: Pipeline; readonly questions: string[] }> {
  const out = join(folder, 'sample');
  await indexCorpus(await openCorpus(sampleFolder), { out, store: true });
  const index = await LexicalIndex.open(out);
  afterAll(() => index.close());
  const reasoner = await RecordedReasoner.open(join(sampleFolder, 'reasoned.json'));
  const retriever = new LexicalRetriever(index, 'bm25');
  const questions = Object.keys(recordedTexts());
  return { index, pipeline: { reasoner, combine: { kind: 'replace' }, retriever }, questions };
}

/** The recorded reasoned queries of the sample collection, by their questions. */
export function recordedTexts(): Record<string, string> {
  return JSON.parse(readFileSync(join(sampleFolder, 'reasoned.json'), 'utf8')) as Record<string, string>;
}
