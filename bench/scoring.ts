/**
 * Which scoring should be the default, and what do rm3 and recorded reasoned queries bring?
 *
 * Evaluates `bm25` and `bm25q` with every reasoner on five collections of the shared data (`QUERN_DATA`, else
 * `../shared/data`) and prints two tables in Markdown: the scorings against each other, and each reasoner against the
 * bare question. All differences are of nDCG@10 over the same questions; p is of the paired randomisation test,
 * adjusted by Holm's method over all comparisons of both tables.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import {
  combineNamed,
  comparePaired,
  evaluateCollection,
  holm,
  indexCorpus,
  LexicalIndex,
  LexicalRetriever,
  openCollection,
  parseMeasures,
  reasonerNamed,
  scorings,
} from 'quern';
import type { Collection, PairedComparison, Scoring } from 'quern';

const measure = 'ndcg@10';

interface Judgements {
  readonly collection: string;
  readonly split?: string;
  /** Files of reasoned queries in the data folder. */
  readonly recorded?: readonly string[];
}

const corpora: readonly (readonly Judgements[])[] = [
  [
    {
      collection: 'bright:theoremqa_theorems',
      recorded: ['bright/reasoned/TongSearch-QR-1.5B.json.gz', 'bright/reasoned/TongSearch-QR-7B.json.gz'],
    },
  ],
  [{ collection: 'beir:cranfield' }],
  [{ collection: 'beir:cacm' }],
  [{ collection: 'beir:nfcorpus-dev' }],
  // The second split is a part of the first.
  [
    { collection: 'beir:textbooks', split: 'test' },
    { collection: 'beir:textbooks', split: 'reasoned-test', recorded: ['textbooks/reasoned.json'] },
  ],
];

/** One comparison: a row of a table. */
interface Row {
  readonly label: readonly string[];
  readonly pair: PairedComparison;
}

const data = resolve(process.env['QUERN_DATA'] ?? '../shared/data');
if (!existsSync(data)) {
  console.error(`skipped: there is no ${data}; set QUERN_DATA to the folder of the shared data`);
  process.exit(1);
}

const ofScorings: Row[] = [];
const ofReasoners: Row[] = [];
const folder = await mkdtemp(join(tmpdir(), 'quern-bench-scoring-'));
try {
  for (const [i, parts] of corpora.entries()) {
    let index: LexicalIndex | undefined;
    for (const { collection: name, split, recorded = [] } of parts) {
      const collection = await openCollection(name, { data, split });
      if (!index) {
        const out = join(folder, String(i));
        await indexCorpus(await collection.corpus(), { out });
        index = await LexicalIndex.open(out);
      }
      await compareAll(collection, split ? `${name}, ${split}` : name, index, recorded);
    }
    await index?.close();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

const adjusted = holm([...ofScorings, ...ofReasoners].map(({ pair }) => pair.randomisation.p));
console.log(`nDCG@10, rankings to 1,000; ${adjusted.length} comparisons in all.\n`);
printTable(['collection', 'questions', 'reasoner', 'bm25', 'bm25q'], ofScorings, adjusted);
console.log();
printTable(
  ['collection', 'questions', 'scoring', 'reasoner', 'bare', 'reasoned'],
  ofReasoners,
  adjusted.slice(ofScorings.length),
);

/** Evaluates every reasoner with every scoring, and adds what is compared to the tables. */
async function compareAll(
  collection: Collection,
  label: string,
  index: LexicalIndex,
  recorded: readonly string[],
): Promise<void> {
  const reasoners = ['none', 'rm3', ...recorded.map((path) => `file:${join(data, path)}`)];
  const values = new Map<string, number[]>();
  for (const scoring of scorings) {
    for (const reasoner of reasoners) {
      values.set(`${scoring} ${reasoner}`, await perTopic(collection, index, scoring, reasoner));
    }
  }
  const count = String(collection.topics.length);
  for (const reasoner of reasoners) {
    const pair = comparePaired(values.get(`bm25 ${reasoner}`)!, values.get(`bm25q ${reasoner}`)!);
    ofScorings.push({ label: [label, count, shown(reasoner)], pair });
  }
  for (const scoring of scorings) {
    for (const reasoner of reasoners.slice(1)) {
      const pair = comparePaired(values.get(`${scoring} none`)!, values.get(`${scoring} ${reasoner}`)!);
      ofReasoners.push({ label: [label, count, scoring, shown(reasoner)], pair });
    }
  }
  console.error(`${label}: done`);
}

async function perTopic(
  collection: Collection,
  index: LexicalIndex,
  scoring: Scoring,
  name: string,
): Promise<number[]> {
  const reasoner = await reasonerNamed(name, { feedback: { index, scoring } });
  const retriever = new LexicalRetriever(index, scoring);
  const evaluation = await evaluateCollection(
    collection,
    { reasoner, combine: combineNamed('replace'), retriever },
    { name: 'run', k: 1000, measures: parseMeasures([measure]) },
  );
  await reasoner.close();
  return Array.from(evaluation.measures.perTopic.values(), (values) => values[measure]);
}

function printTable(head: readonly string[], rows: readonly Row[], ps: readonly number[]): void {
  const columns = [...head, 'difference', 'p', 'p (Holm)', 'W/T/L'];
  console.log(`| ${columns.join(' | ')} |`);
  console.log(`|${columns.map(() => ' --- |').join('')}`);
  for (const [i, { label, pair }] of rows.entries()) {
    const { baseline, mean, difference, randomisation, wins, ties, losses } = pair;
    const sign = difference < 0 ? '−' : '+';
    const cells = [
      ...label,
      baseline.toFixed(4),
      mean.toFixed(4),
      `${sign}${Math.abs(difference).toFixed(4)}`,
      pText(randomisation.p),
      pText(ps[i]),
      `${wins}/${ties}/${losses}`,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

function pText(p: number): string {
  return p < 0.001 ? '<0.001' : p.toFixed(3);
}

function shown(reasoner: string): string {
  return reasoner.startsWith('file:') ? basename(reasoner).replace(/\.json(\.gz)?$/, '') : reasoner;
}
