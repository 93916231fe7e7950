/**
 * What vectors bring: lexical, dense and hybrid retrieval on three collections, is the hybrid better than its parts, and what is
 * each to search, the question, the reasoned query or both?
 *
 * The embedder is named by the first argument (e.g. onnx:FOLDER; `bench/models/minilm-onnx.py` makes one). Indexes and vectors
 * are kept in `.bench/dense`: embedding the textbooks takes half an hour the first time, and goes on where it was broken off.
 * Nothing is tuned: fusion is by reciprocal ranks, and by scores with equal weights. Differences in nDCG@10 are tested by the
 * paired randomisation test, with Holm's adjustment over all rows of a table.
 */
import { join, resolve } from 'node:path';
import {
  comparePaired,
  embedCorpus,
  hasVectors,
  holm,
  LexicalIndex,
  meanOf,
  NoReasoner,
  openCollection,
  openCollectionIndex,
  openEmbedder,
  openRetriever,
  parseMeasures,
  reasoningAbout,
  answerReasoned,
  RecordedReasoner,
  retrieverNamed,
  topicMeasures,
  combineNamed,
  type Collection,
  type Embedder,
  type Reasoner,
  type Topic,
} from 'quern';

const measures = parseMeasures(['ndcg@10', 'recall@100']);
const data = resolve(process.env['QUERN_DATA'] ?? '../shared/data');
const embedderName = process.argv[2];
if (embedderName === undefined) throw new Error('name the embedder: node .bench/dense.js onnx:FOLDER');
const embedder = await openEmbedder(embedderName);
const dense = `dense:${embedderName}`;

/** Values of the topics, in their order. */
interface Row {
  readonly name: string;
  readonly ndcg: readonly number[];
  readonly recall: readonly number[];
  readonly milliseconds: number;
}

/** A collection with its index, vectors and all. */
interface Indexed {
  readonly collection: Collection;
  readonly folder: string;
  readonly topics: readonly Topic[];
}

async function indexed(name: string, split: string): Promise<Indexed> {
  const collection = await openCollection(`beir:${name}`, { data, split });
  const folder = resolve('.bench/dense', name);
  const opened = await openCollectionIndex(collection, { folder, store: true });
  await opened.close();
  if (!(await hasVectors(embedder, folder))) {
    const started = performance.now();
    const { passages, embedded } = await embedCorpus(await collection.corpus(), { folder, embedder });
    const seconds = (performance.now() - started) / 1000;
    console.error(
      `${name}: ${embedded} passages of ${passages.words} words embedded in ${seconds.toFixed(0)} s`,
    );
  }
  const topics = collection.topics.filter(({ id }) => collection.qrels.has(id));
  return { collection, folder, topics };
}

/** One way of searching a collection, measured topic by topic. */
async function measured(
  { collection, folder, topics }: Indexed,
  retrieverName: string,
  reasoner: Reasoner,
  combine: string,
  name: string,
): Promise<Row> {
  const index = await LexicalIndex.open(folder);
  const embedders = new Map<string, Embedder>([[embedderName!, embedder]]);
  const opened = await openRetriever(retrieverNamed(retrieverName), embedders, { index, folder });
  const plan = { retriever: opened.retriever, reasoner, combine: combineNamed(combine) };
  const ndcg: number[] = [];
  const recall: number[] = [];
  let milliseconds = 0;
  for (const { id, text, excluded } of topics) {
    const { reasoned } = await reasoningAbout(plan, text, { excluded });
    const answered = await answerReasoned(plan, text, reasoned, { k: 100, excluded });
    const values = topicMeasures(measures, answered.hits, collection.qrels.get(id)!);
    ndcg.push(values['ndcg@10']!);
    recall.push(values['recall@100']!);
    milliseconds += answered.milliseconds.search;
  }
  await opened.close();
  await index.close();
  return { name, ndcg, recall, milliseconds: milliseconds / topics.length };
}

function figures({ ndcg, recall, milliseconds }: Row): string {
  return `${meanOf(ndcg).toFixed(4)} | ${meanOf(recall).toFixed(4)} | ${milliseconds.toFixed(1)}`;
}

/** Differences of rows from others, tested together. */
function printComparisons(pairs: readonly (readonly [Row, Row])[]): void {
  const compared = pairs.map(([row, other]) => comparePaired(other.ndcg, row.ndcg));
  const adjusted = holm(compared.map(({ randomisation }) => randomisation.p));
  console.log('\n| | against | difference | 95 % | p | p (Holm) | better/same/worse |');
  console.log('| --- | --- | ---: | --- | ---: | ---: | --- |');
  for (const [i, { difference, interval, randomisation, wins, ties, losses }] of compared.entries()) {
    const [row, other] = pairs[i]!;
    const [low, high] = [interval!.low, interval!.high].map((value) => value.toFixed(4));
    console.log(
      `| ${row.name} | ${other.name} | ${difference.toFixed(4)} | ${low} to ${high} | ${pText(randomisation.p)} | ${pText(adjusted[i]!)} | ${wins}/${ties}/${losses} |`,
    );
  }
}

function pText(p: number): string {
  return p < 0.0001 ? '< 0.0001' : p.toFixed(4);
}

const none = new NoReasoner();
const hybrids = (scoring: string): [string, string][] => [
  ['hybrid, reciprocal ranks', `hybrid:${scoring}+${dense}`],
  ['hybrid, equal scores', `hybrid:interpolate:0.5*${scoring}+0.5*${dense}`],
];

console.log('**The question, searched three ways**: nDCG@10, recall@100, milliseconds a query\n');
const allPairs: [Row, Row][] = [];
for (const [name, split] of [
  ['cranfield', 'test'],
  ['nfcorpus-dev', 'test'],
  ['textbooks', 'test'],
] as const) {
  const set = await indexed(name, split);
  const rows: Row[] = [];
  for (const [label, retriever] of [['bm25', 'bm25'], ['dense', dense], ...hybrids('bm25')] as const) {
    rows.push(await measured(set, retriever, none, 'replace', `${name}: ${label}`));
    if (rows.length === 1) {
      console.log(
        `\n| ${name}, ${set.topics.length} questions | nDCG@10 | recall@100 | ms |\n| --- | ---: | ---: | ---: |`,
      );
    }
    console.log(`| ${label} | ${figures(rows.at(-1)!)} |`);
  }
  const [lexical, byVectors, ...fused] = rows;
  for (const row of fused) allPairs.push([row, lexical!], [row, byVectors!]);
}
printComparisons(allPairs);

console.log('\n**What each is to search**, textbooks (reasoned-test, 120 questions): nDCG@10 (recall@100)\n');
const set = await indexed('textbooks', 'reasoned-test');
const reasoner = await RecordedReasoner.open(join(data, 'textbooks/reasoned.json'));
const ways = [
  ['question', none, 'replace'],
  ['reasoned query', reasoner, 'replace'],
  ['both, as one text', reasoner, 'concat:1'],
  ['both, fused', reasoner, 'rrf'],
] as const;
const retrievers: [string, string][] = [
  ['bm25', 'bm25'],
  ['bm25q', 'bm25q'],
  ['dense', dense],
  ...hybrids('bm25'),
];
console.log(
  `| | ${ways.map(([label]) => label).join(' | ')} |\n| --- |${ways.map(() => ' ---: |').join('')}`,
);
const grid = new Map<string, Row>();
for (const [label, retriever] of retrievers) {
  const cells: string[] = [];
  for (const [way, by, combine] of ways) {
    const row = await measured(set, retriever, by, combine, `${label}, ${way}`);
    grid.set(row.name, row);
    cells.push(`${meanOf(row.ndcg).toFixed(4)} (${meanOf(row.recall).toFixed(4)})`);
  }
  console.log(`| ${label} | ${cells.join(' | ')} |`);
}
const parts = [
  ['lexical the reasoned query, dense the question', `hybrid:reasoned/bm25+query/${dense}`],
  ['lexical the question, dense the reasoned query', `hybrid:query/bm25+reasoned/${dense}`],
  ['lexical the reasoned query, dense both', `hybrid:reasoned/bm25+both/${dense}`],
] as const;
console.log(
  '\n| each of a hybrid (reciprocal ranks) its own | nDCG@10 | recall@100 | ms |\n| --- | ---: | ---: | ---: |',
);
for (const [label, retriever] of parts) {
  const row = await measured(set, retriever, reasoner, 'replace', label);
  grid.set(label, row);
  console.log(`| ${label} | ${figures(row)} |`);
}
const row = (name: string): Row => grid.get(name)!;
printComparisons([
  [row('dense, reasoned query'), row('dense, question')],
  [row('bm25, reasoned query'), row('bm25, question')],
  [row('hybrid, reciprocal ranks, reasoned query'), row('hybrid, reciprocal ranks, question')],
  [row('hybrid, reciprocal ranks, reasoned query'), row('bm25, reasoned query')],
  [row('hybrid, reciprocal ranks, reasoned query'), row('dense, reasoned query')],
  [row('hybrid, equal scores, reasoned query'), row('bm25, reasoned query')],
  ...parts.map(([label]): [Row, Row] => [row(label), row('hybrid, reciprocal ranks, reasoned query')]),
]);
await embedder.close();
