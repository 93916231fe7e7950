/**
 * Writes a made-up query log (see click-log.ts) of the textbooks' questions that have a recorded reasoned query, for trying
 * `quern eval log:FILE`: DATA is the folder with `textbooks`, INDEX an index of it, FILE a `.jsonl` or a `.tsv`.
 *
 *     node packages/quern/test/write-click-log.mjs DATA INDEX FILE
 */
import { writeFile } from 'node:fs/promises';
import { evaluateNamed } from '../src/evaluate/evaluate-named.ts';
import { parseMeasures } from '../src/evaluate/measures.ts';
import { combineNamed } from '../src/search/combine.ts';
import { botLog, clickLog, clickTable, jsonLines } from './click-log.ts';

const [, , data, index, file] = process.argv;
const options = {
  data,
  index,
  split: 'reasoned-test',
  reasoners: ['none'],
  plan: { combine: combineNamed('replace') },
  k: 10,
  measures: parseMeasures(['ndcg@10']),
};
await evaluateNamed('beir:textbooks', options, async ({ collection: { topics, qrels }, evaluations }) => {
  const people = clickLog({ topics, qrels, shown: evaluations[0].run, searches: 20_000 });
  const log = [...people, ...botLog([topics[0].text, 'http://example.org/'], 3000)];
  await writeFile(file, file.endsWith('.tsv') ? clickTable(log) : jsonLines(log));
});
