/** What the examples search: the sample collection, indexed in a folder that is removed at the end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { combineNamed, indexCorpus, LexicalIndex, LexicalRetriever, openCorpus, reasonerNamed } from 'quern';

const collection = fileURLToPath(new URL('collection', import.meta.url));

/** One of the questions whose reasoned queries are recorded. */
export const question =
  'Every time I cook mushrooms they end up grey and soggy, even with the burner on full and a good splash of oil. ' +
  'My neighbour puts in fewer at a time, and hers come out golden and taste of nuts. What difference can that possibly make?';

/** The open index, with its texts, a pipeline over it, and what closes both. */
export async function openSample() {
  const folder = await mkdtemp(join(tmpdir(), 'quern-example-'));
  const out = join(folder, 'sample.index');
  await indexCorpus(await openCorpus(collection), { out, store: true });
  const index = await LexicalIndex.open(out);
  // In place of the recorded one: 'llama:model.gguf', 'openai:MODEL@URL', …
  const reasoner = await reasonerNamed(`file:${join(collection, 'reasoned.json')}`);
  const retriever = new LexicalRetriever(index, 'bm25');
  const pipeline = { reasoner, combine: combineNamed('replace'), retriever };
  const close = async () => {
    await reasoner.close();
    await index.close();
    await rm(folder, { recursive: true });
  };
  return { index, pipeline, close };
}
