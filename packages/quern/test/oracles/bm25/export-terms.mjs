/**
 * Writes the terms of documents and topics, by our `english` analyzer, for the oracles of ranking:
 *
 *     node export-terms.mjs DATA OUT
 *
 * DATA is the folder of the shared data. For four collections of it, and for our sample collection, OUT/NAME gets
 * `corpus.jsonl` and `topics.jsonl` (`{id, terms}` a line, the topics being those with judgements) and `qrels.json`
 * (topic → document → level). Needs the build of the package.
 */
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { analyzerNamed, documentText, openCollection } from 'quern';

const [data, out] = process.argv.slice(2);
if (out === undefined) throw new Error('usage: node export-terms.mjs DATA OUT');
const samples = join(import.meta.dirname, '../../../../../examples');
const english = analyzerNamed('english');

for (const name of ['cranfield', 'cacm', 'nfcorpus-dev', 'textbooks', 'collection']) {
  const { topics, qrels, corpus } = await openCollection(`beir:${name}`, {
    data: name === 'collection' ? samples : data,
  });
  const folder = join(out, name);
  mkdirSync(folder, { recursive: true });
  const lines = createWriteStream(join(folder, 'corpus.jsonl'));
  for await (const { document } of (await corpus()).documents()) {
    if (!lines.write(line(document.id, documentText(document)))) await once(lines, 'drain');
  }
  lines.end();
  await once(lines, 'close');
  writeFileSync(join(folder, 'topics.jsonl'), topics.map(({ id, text }) => line(id, text)).join(''));
  const judgements = Array.from(qrels, ([topic, levels]) => [topic, Object.fromEntries(levels)]);
  writeFileSync(join(folder, 'qrels.json'), JSON.stringify(Object.fromEntries(judgements)));
}

function line(id, text) {
  return `${JSON.stringify({ id, terms: english.terms(text) })}\n`;
}
