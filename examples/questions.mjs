/**
 * Prints the questions of the sample collection with the passages that answer them, as `quern curate` reads questions of one's
 * own: node examples/questions.mjs > questions.jsonl
 */
import { readFileSync } from 'node:fs';

const collection = new URL('collection/', import.meta.url);
const linesOf = (name) => readFileSync(new URL(name, collection), 'utf8').trim().split('\n');
const recordsOf = (name) => linesOf(name).map((line) => JSON.parse(line));

const passages = new Map(recordsOf('corpus.jsonl').map(({ _id, text }) => [_id, text]));
const judgements = linesOf('qrels/test.tsv')
  .slice(1)
  .map((line) => line.split('\t'));
for (const { _id, text } of recordsOf('queries.jsonl')) {
  const answers = judgements
    .filter(([question, , level]) => question === _id && Number(level) > 0)
    .map(([, passage, level]) => ({ text: passages.get(passage), score: Number(level) }));
  console.log(JSON.stringify({ id: _id, question: text, answers }));
}
