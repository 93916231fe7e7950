/**
 * Which reward predicts what a completion gains in nDCG@10? `npm run bench -- reward-ablation [EMBEDDER]`.
 *
 * theoremqa_theorems: of each question, the published reasoned queries of the 1.5B and the 7B model, the question repeated, and
 * the 7B model's for another question. The corpus has no texts: the terms of the relevant documents stand for them.
 *
 * textbooks: of 200 questions of reasoned-train that have an answer (drawn by the hash of their ids), the recorded reasoned query, the answer, the
 * question repeated, the answer to another question, and RM3's expansion as text; once with the answer as the positive, which is
 * no document of the index, and once with the section that asks the question. With an embedder, e.g. `onnx:MODEL`, also by
 * similarity.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ablateNamed,
  indexCorpus,
  LexicalIndex,
  openCollection,
  openEmbedder,
  parseMeasures,
  RecordedReasoner,
  Rm3Reasoner,
  type Embedder,
  type NamedAblation,
  type Topic,
} from 'quern';

const QUESTIONS = 200;
const data = process.env['QUERN_DATA']!;
const embedderName = process.argv[2];
const [measure] = parseMeasures(['ndcg@10']);
const folder = await mkdtemp(join(tmpdir(), 'quern-bench-'));
const withoutEmbedder = [
  'lexical',
  'retrieval:rank',
  'retrieval:recip_rank',
  'retrieval:recall@100',
  'retrieval:ndcg@10',
  'mix:1*lexical,1*retrieval:rank',
  'mix:1*lexical,-1*copying',
];
try {
  await ofTheorems();
  await ofTextbooks();
} finally {
  await rm(folder, { recursive: true, force: true });
}

interface Line {
  readonly query: string;
  readonly completion: string;
  readonly positives?: readonly string[];
}

async function ofTheorems(): Promise<void> {
  const { topics } = await openCollection('bright:theoremqa_theorems', { data });
  const models = await Promise.all(
    ['1.5B', '7B'].map((size) =>
      RecordedReasoner.open(join(data, `bright/reasoned/TongSearch-QR-${size}.json.gz`)),
    ),
  );
  const lines: Line[] = [];
  for (const [i, { text: query }] of topics.entries()) {
    const other = topics[(i + 1) % topics.length].text;
    const texts = [
      ...(await Promise.all(models.map((each) => each.reason(query)))),
      await models[1].reason(other),
    ];
    for (const completion of [...texts.map(({ text }) => text), query]) lines.push({ query, completion });
  }
  const path = await written('theorems', lines);
  const rewards = withoutEmbedder;
  print('', await ablateNamed(path, { collection: 'bright:theoremqa_theorems', data, rewards, measure }));
}

async function ofTextbooks(): Promise<void> {
  const split = 'reasoned-train';
  const collection = await openCollection('beir:textbooks', { data, split });
  const answers = await answersById();
  const chosen = shuffled(collection.topics.filter(({ id }) => answers.has(id))).slice(0, QUESTIONS);
  const index = join(folder, 'textbooks.index');
  await indexCorpus(await collection.corpus(), { out: index, store: true });
  const reasoner = await RecordedReasoner.open(join(data, 'textbooks/reasoned.json'));
  const lexical = await LexicalIndex.open(index);
  const rm3 = new Rm3Reasoner(lexical, 'bm25');
  const lines: Line[] = [];
  for (const [i, { id, text: query }] of chosen.entries()) {
    const answer = answers.get(id)!;
    const { text: reasoned } = await reasoner.reason(query);
    const { weights } = await rm3.reason(query);
    const expansion = [...(weights ?? [])].sort((a, b) => b[1] - a[1]).map(([term]) => term);
    const other = answers.get(chosen[(i + 1) % chosen.length].id)!;
    for (const completion of [reasoned, answer, query, other, `${query} ${expansion.join(' ')}`]) {
      lines.push({ query, completion, positives: [answer] });
    }
  }
  await lexical.close();
  const embedder = embedderName === undefined ? undefined : await remembering(embedderName);
  const similarity = `similarity:${embedderName}`;
  const dense = [
    similarity,
    `retrieval:rank:${embedderName}`,
    `mix:1*${similarity},1*retrieval:rank`,
    `mix:1*${similarity},5*lexical`,
    `mix:1*${similarity},-5*copying`,
  ];
  const rewards = [...withoutEmbedder, ...(embedder ? dense : [])];
  const settings = { embedders: () => Promise.resolve(embedder!) };
  const options = { collection: 'beir:textbooks', data, split, index, rewards, settings, measure };
  const withAnswers = await written('answers', lines);
  print('positive: the answer', await ablateNamed(withAnswers, options));
  const withoutAnswer = lines.filter(({ completion, positives }) => completion !== positives![0]);
  print(
    'positive: the answer, which is no completion',
    await ablateNamed(await written('others', withoutAnswer), options),
  );
  const withSections = await written(
    'sections',
    lines.map(({ query, completion }) => ({ query, completion })),
  );
  print('positive: the section', await ablateNamed(withSections, options));
  const scoring = 'bm25q';
  print('positive: the answer', await ablateNamed(withAnswers, { ...options, scoring }));
}

async function answersById(): Promise<Map<string, string>> {
  const text = await readFile(join(data, 'textbooks/answers.jsonl'), 'utf8');
  const records = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { _id: string; answer: string });
  return new Map(records.map(({ _id, answer }) => [_id, answer]));
}

/** An order that depends on the ids alone. */
function shuffled(topics: readonly Topic[]): Topic[] {
  return topics.toSorted((a, b) => hashed(a.id) - hashed(b.id));
}

function hashed(id: string): number {
  return createHash('sha256').update(id).digest().readUInt32BE();
}

/** An embedder that embeds each text once, as several rewards are given the same ones. */
async function remembering(name: string): Promise<Embedder> {
  const embedder = await openEmbedder(name);
  const known = new Map<string, Float32Array>();
  return {
    id: embedder.id,
    dimensions: embedder.dimensions,
    contentHash: embedder.contentHash,
    isNormalized: embedder.isNormalized,
    embed: async (texts, as, signal) => {
      const unknown = [...new Set(texts)].filter((text) => !known.has(as + text));
      const vectors = await embedder.embed(unknown, as, signal);
      for (const [i, text] of unknown.entries()) known.set(as + text, vectors[i]);
      return texts.map((text) => known.get(as + text)!);
    },
    close: () => Promise.resolve(),
  };
}

async function written(name: string, lines: readonly Line[]): Promise<string> {
  const path = join(folder, `${name}.jsonl`);
  await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
}

function print(label: string, outcome: NamedAblation): void {
  const { collection, retriever, completions, groups, differingGroups, gain, bestByChance, rewards } =
    outcome;
  console.log(`\n${collection} ${label}, ${retriever}: ${completions} completions of ${groups} questions`);
  console.log(
    `${differingGroups} questions differ; gain: mean ${gain.mean.toFixed(4)}, best ${gain.best.toFixed(4)}; best by chance ${bestByChance?.toFixed(2)}`,
  );
  console.log('tau within [95 %]        rho within  tau overall [95 %]       best  picked   reward');
  for (const { reward, within, overall, best, picked } of rewards) {
    const cells = [within.kendall, overall.kendall].map(
      ({ value, interval }) =>
        `${value?.toFixed(3)} [${interval?.low.toFixed(2)}, ${interval?.high.toFixed(2)}]`,
    );
    const rho = within.spearman.value?.toFixed(3);
    console.log(
      `${cells[0].padEnd(24)} ${rho?.padEnd(11)} ${cells[1].padEnd(24)} ${best?.toFixed(2)}  ${picked.toFixed(4)}  ${reward}`,
    );
  }
}
