/**
 * Does a gate know where reasoning pays?
 *
 * Tunes, as `quern tune` does, on collections of the shared data (`QUERN_DATA`, else `../shared/data`), and prints tables in
 * Markdown: gates on topics that they were not calibrated on, beside never and always reasoning, as many topics drawn by
 * chance, and an oracle; for several costs of a call; from one split of a collection to another; and how each fact
 * correlates with the gain. All by nDCG@10; within a collection by 5-fold cross-validation, the combination chosen
 * inside of the folds. p is of a randomisation test against topics drawn by chance, adjusted by Holm's method over its table.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  bestMean,
  gateCalibration,
  calibratedRule,
  factNames,
  gateEvidence,
  holm,
  indexCorpus,
  LexicalIndex,
  LexicalRetriever,
  openCollection,
  parseMeasures,
  reasonerNamed,
  ruleReasons,
  ruleText,
  tuned,
  tuningMeasurements,
} from 'quern';
import type { GateEvidence, GateTopic, TuningMeasurements } from 'quern';

const [measure] = parseMeasures(['ndcg@10']);
const worths = [0.02, 0.05, 0.1];

interface Case {
  readonly split?: string;
  /** Short name, and name of the reasoner or file in the data folder. */
  readonly reasoner: string;
  readonly file?: string;
}

const corpora: readonly { readonly collection: string; readonly cases: readonly Case[] }[] = [
  {
    collection: 'beir:textbooks',
    cases: [
      { split: 'reasoned-test', reasoner: 'recorded', file: 'textbooks/reasoned.json' },
      { split: 'reasoned-train', reasoner: 'recorded', file: 'textbooks/reasoned.json' },
      { split: 'test', reasoner: 'rm3' },
      { split: 'train', reasoner: 'rm3' },
    ],
  },
  {
    collection: 'bright:theoremqa_theorems',
    cases: [
      { reasoner: 'QR-7B', file: 'bright/reasoned/TongSearch-QR-7B.json.gz' },
      { reasoner: 'QR-1.5B', file: 'bright/reasoned/TongSearch-QR-1.5B.json.gz' },
      { reasoner: 'rm3' },
    ],
  },
  { collection: 'beir:nfcorpus-dev', cases: [{ reasoner: 'rm3' }] },
  { collection: 'beir:cranfield', cases: [{ reasoner: 'rm3' }] },
];

/** A row of a table: what it is of, the evidence, the rule. */
interface Row {
  readonly label: readonly string[];
  readonly evidence: GateEvidence;
  readonly rule: string;
}

const data = resolve(process.env['QUERN_DATA'] ?? '../shared/data');
const measured = new Map<string, TuningMeasurements>();
const folder = await mkdtemp(join(tmpdir(), 'quern-bench-gate-'));
try {
  for (const [i, { collection, cases }] of corpora.entries()) {
    const opened = await openCollection(collection, { data, split: cases[0].split });
    const out = join(folder, String(i));
    await indexCorpus(await opened.corpus(), { out });
    const index = await LexicalIndex.open(out);
    for (const each of cases) {
      measured.set(labelOf(collection, each), await measurements(collection, each, index));
    }
    await index.close();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

printEvidence(
  'Gates on topics that they were not calibrated on, every gain being worth a call',
  [...measured].flatMap(([label, all]) => {
    const { crossValidation } = tuned(all).combination;
    const isFirst = crossValidation.folds.every(({ chosen }) => chosen === 0);
    return [firstRow(label, all), ...(isFirst ? [] : [tunedRow(label, all)])];
  }),
);
printEvidence(
  'The same for the tuned combinations, where a call must bring more than 0.02, 0.05 and 0.1',
  [...measured].flatMap(([label, all]) => worths.map((worth) => tunedRow(label, all, worth))),
);
printEvidence('Calibrated on one split, tested on another', [
  ...transfers('textbooks train, rm3', 'textbooks test, rm3'),
  ...transfers('textbooks reasoned-train, recorded', 'textbooks reasoned-test, recorded'),
]);
printCorrelations();

function labelOf(collection: string, { split, reasoner }: Case): string {
  const name = collection.slice(collection.indexOf(':') + 1);
  return `${name}${split === undefined ? '' : ` ${split}`}, ${reasoner}`;
}

async function measurements(
  name: string,
  { split, reasoner, file }: Case,
  index: LexicalIndex,
): Promise<TuningMeasurements> {
  const collection = await openCollection(name, { data, split });
  const scoring = collection.defaultScoring;
  const opened = await reasonerNamed(file === undefined ? reasoner : `file:${join(data, file)}`, {
    feedback: { index, scoring },
  });
  const retriever = new LexicalRetriever(index, scoring);
  const found = await tuningMeasurements(collection, { reasoner: opened, retriever }, { measure });
  await opened.close();
  console.error(`${name} ${split ?? ''} ${reasoner}: done`);
  return found;
}

/** A gate within a collection, for the first combination. */
function firstRow(label: string, { topics, candidates }: TuningMeasurements): Row {
  const [{ name, values }] = candidates;
  const { rule, evidence } = gateCalibration(topics, values);
  return { label: [label, name], evidence, rule: ruleText(rule) };
}

/** A gate within a collection, for the combination that is chosen in each fold; its label has the one for all topics. */
function tunedRow(label: string, all: TuningMeasurements, worth = 0): Row {
  const { combination, gate } = tuned(all, { worth });
  const chosen = worth === 0 ? combination.chosen : `${combination.chosen}, ${worth}`;
  return { label: [label, chosen], evidence: gate.evidence, rule: ruleText(gate.rule) };
}

/** The gates of one split on another: for the first combination, and for the best of the first split at several costs. */
function transfers(from: string, to: string): Row[] {
  const [train, test] = [measured.get(from)!, measured.get(to)!];
  const best = bestMean(
    train.candidates,
    train.topics.map((_, i) => i),
  );
  const settings = [[0, 0], ...[0, ...worths].map((worth) => [best, worth])];
  return settings.map(([place, worth]) => {
    const rule = calibratedRule(withGains(train, place), { worth });
    const evidence = gateEvidence(
      test.topics.map(({ facts }) => ruleReasons(rule, facts)),
      test.topics.map(({ plain }) => plain),
      test.candidates[place].values,
      { worth },
    );
    const label = [`${from} → ${to}`, `${train.candidates[place].name}, ${worth}`];
    return { label, evidence, rule: ruleText(rule) };
  });
}

function withGains({ topics, candidates }: TuningMeasurements, place: number): GateTopic[] {
  return topics.map(({ id, facts, plain }, i) => ({ id, facts, gain: candidates[place].values[i] - plain }));
}

function printEvidence(title: string, rows: readonly Row[]): void {
  const adjusted = holm(rows.map(({ evidence }) => evidence.against.sameCost.p));
  console.log(`\n${title}:\n`);
  const head = [
    'topics of, reasoner',
    'combination',
    'topics',
    'never',
    'always',
    'gate',
    'reasons about',
    'by chance',
    'gate − chance',
    'p',
    'p (Holm)',
    'gate − always',
    'oracle',
    'reasoned: gain/lose',
    'aside: gain/lose',
    'rule on all topics',
  ];
  printRow(head);
  printRow(head.map(() => '---'));
  for (const [i, { label, evidence, rule }] of rows.entries()) {
    const { topics, never, always, gated, interval, share, sameCost, oracle, reasoned, aside, against } =
      evidence;
    const { difference, interval: range } = against.sameCost;
    printRow([
      ...label,
      String(topics),
      never.toFixed(4),
      always.toFixed(4),
      `${gated.toFixed(4)} [${interval!.low.toFixed(4)}, ${interval!.high.toFixed(4)}]`,
      `${(100 * share).toFixed(0)} %`,
      sameCost.toFixed(4),
      `${signed(difference)} ${intervalText(range)}`,
      pText(against.sameCost.p),
      pText(adjusted[i]),
      signed(against.always.difference),
      oracle.toFixed(4),
      `${reasoned.gain}/${reasoned.lose} of ${reasoned.gain + reasoned.even + reasoned.lose}`,
      `${aside.gain}/${aside.lose} of ${aside.gain + aside.even + aside.lose}`,
      rule,
    ]);
  }
}

/** Spearman's rank correlation of each fact with the gain of the best combination. */
function printCorrelations(): void {
  console.log(
    '\nSpearman’s rank correlation of each fact with the gain (of the combination that is best on all topics):\n',
  );
  printRow(['fact', ...measured.keys()]);
  printRow(['---', ...Array.from(measured, () => '---')]);
  const gains = Array.from(measured.values(), (all) =>
    withGains(
      all,
      bestMean(
        all.candidates,
        all.topics.map((_, i) => i),
      ),
    ),
  );
  for (const fact of factNames) {
    const cells = gains.map((topics) => {
      const rho = correlation(
        ranks(topics.map(({ facts }) => facts[fact])),
        ranks(topics.map(({ gain }) => gain)),
      );
      // About two standard errors of a correlation of 0.
      const mark = Math.abs(rho) > 1.96 / Math.sqrt(topics.length - 1) ? '**' : '';
      return Number.isNaN(rho) ? '–' : `${mark}${signed(rho, 2)}${mark}`;
    });
    printRow([fact, ...cells]);
  }
}

/** Ranks from 1, those of equal values averaged. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const result = Array.from(values, () => 0);
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) result[order[i]] = (start + 1 + end) / 2;
  }
  return result;
}

/** Pearson's correlation. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [centred(a), centred(b)];
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

function centred(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

function pText(p: number): string {
  return p < 0.001 ? '<0.001' : p.toFixed(3);
}

function intervalText(interval: GateEvidence['interval']): string {
  return interval ? `[${signed(interval.low)}, ${signed(interval.high)}]` : '';
}

function signed(value: number, digits = 4): string {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : `${value < 0 ? '−' : '+'}${text}`;
}

function printRow(cells: readonly string[]): void {
  console.log(`| ${cells.join(' | ')} |`);
}
