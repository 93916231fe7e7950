/**
 * What becomes of a reasoned query: which way of combining it with the question, of weighing its terms and of joining it with
 * another reasoner's is best, and is it better than putting it in the question's place?
 *
 * Every candidate is evaluated on every question; then one is chosen by 5-fold cross-validation over questions, among some
 * or all of them, and held against plain replacement by the paired randomisation test (Holm over all rows). Backgrounds are
 * learnt from all of a reasoner's recorded texts, without judgements; a question's own text is among them.
 */
import { resolve } from 'node:path';
import {
  analyzerNamed,
  answerReasoned,
  Background,
  bootstrapInterval,
  combineName,
  combineNamed,
  comparePaired,
  crossValidated,
  defaultBm25Parameters,
  holm,
  LexicalRetriever,
  meanOf,
  parseMeasures,
  repeatedlyCrossValidated,
  Rm3Reasoner,
  SeveralReasoner,
  topicMeasures,
  type Candidate,
  type Join,
  type ReasonedQuery,
} from 'quern';
import { withReasonedCollections, type ReasonedCollection } from './collections/reasoned-collections.js';

const measures = parseMeasures(['ndcg@10', 'recall@100']);

/** What is done with a reasoned query. */
interface Setting {
  readonly combine: string;
  /** The power of the background; 0: none. */
  readonly background: number;
  readonly b: number;
  readonly keyTerms?: number;
  /** With whose reasoned query it is joined. */
  readonly joined?: { readonly with: 'rm3' | 'other'; readonly join: Join };
}

const plain: Setting = { combine: 'replace', background: 0, b: defaultBm25Parameters.b };

/** The simplest first: ties go to the first. */
function settingsFor(hasOther: boolean): Setting[] {
  const joins: Join[] = ['concat', 'interpolate', 'rrf'];
  return [
    plain,
    ...['concat:1', 'concat:3', 'interpolate:0.1', 'interpolate:0.3', 'rrf'].map((combine) => ({
      ...plain,
      combine,
    })),
    { ...plain, keyTerms: 0.1 },
    { ...plain, keyTerms: 0.2 },
    ...[0.6, 0.8].map((b) => ({ ...plain, b })),
    ...[0.5, 1].flatMap((background) => [0.4, 0.6, 0.8].map((b) => ({ ...plain, background, b }))),
    ...['concat:1', 'interpolate:0.1'].flatMap((combine) =>
      [0.6, 0.8].map((b) => ({ ...plain, combine, background: 0.5, b })),
    ),
    { ...plain, joined: { with: 'rm3', join: 'interpolate' } },
    { ...plain, joined: { with: 'rm3', join: 'rrf' } },
    ...(hasOther
      ? joins.flatMap((join) => [
          { ...plain, joined: { with: 'other', join } as const },
          { ...plain, background: 0.5, b: 0.8, joined: { with: 'other', join } as const },
        ])
      : []),
  ];
}

function nameOf({ combine, background, b, keyTerms, joined }: Setting): string {
  return [
    combineName(combineNamed(combine)),
    ...(background > 0 ? [`background ${background}`] : []),
    ...(b === defaultBm25Parameters.b ? [] : [`b ${b}`]),
    ...(keyTerms === undefined ? [] : [`key terms ${keyTerms}`]),
    ...(joined
      ? [`joined with ${joined.with === 'rm3' ? 'rm3' : 'the other reasoner'} by ${joined.join}`]
      : []),
  ].join(', ');
}

interface Evaluated {
  readonly label: string;
  readonly topics: readonly string[];
  readonly question: readonly number[];
  readonly candidates: readonly Candidate[];
  readonly recall: readonly (readonly number[])[];
}

/** Among which candidates one is chosen: by the text of its name, which is not in that of the others. */
const choices: readonly { readonly label: string; readonly has: (name: string) => boolean }[] = [
  { label: 'length normalisation alone', has: (name) => /^replace(, b [\d.]+)?$/.test(name) },
  { label: "the reasoner's text alone", has: (name) => !name.includes('joined') },
  { label: 'all, the other reasoner too', has: () => true },
];

const data = resolve(process.env['QUERN_DATA'] ?? '../shared/data');
await withReasonedCollections(data, async (collections) => {
  const all: Evaluated[] = [];
  for (const each of collections) {
    const other = collections.find((one) => one !== each && one.index === each.index);
    all.push(await evaluated(each, other));
  }
  printCandidates(all);
  printChosen(all);
});

async function evaluated(set: ReasonedCollection, other: ReasonedCollection | undefined): Promise<Evaluated> {
  const { label, topics, index, scoring, collection } = set;
  const settings = settingsFor(other !== undefined);
  const values: number[][] = settings.map(() => []);
  const recall: number[][] = settings.map(() => []);
  const question: number[] = [];
  const analyzer = analyzerNamed(index.analyzer);
  const backgrounds = new Map(
    [0.5, 1].map((power) => [power, Background.of(set.reasoner.texts, analyzer, power)]),
  );
  for (const topic of topics) {
    const { id, text, excluded } = topic;
    const judgements = collection.qrels.get(id)!;
    const bare = await new LexicalRetriever(index, scoring).search(text, { k: 100, excluded });
    question.push(topicMeasures(measures, bare, judgements)['ndcg@10']);
    for (const [i, setting] of settings.entries()) {
      const parameters = { ...defaultBm25Parameters, b: setting.b };
      const retriever = new LexicalRetriever(index, scoring, parameters);
      const { hits } = await answerReasoned(
        {
          combine: combineNamed(setting.combine),
          join: setting.joined?.join,
          keyTerms: setting.keyTerms,
          background: backgrounds.get(setting.background),
          retriever,
        },
        text,
        await reasonedFor(set, other, setting, text, excluded),
        { k: 100, excluded },
      );
      const found = topicMeasures(measures, hits, judgements);
      values[i].push(found['ndcg@10']);
      recall[i].push(found['recall@100']);
    }
  }
  const candidates = settings.map((setting, i) => ({ name: nameOf(setting), values: values[i] }));
  return { label, topics: topics.map(({ id }) => id), question, candidates, recall };
}

function reasonedFor(
  set: ReasonedCollection,
  other: ReasonedCollection | undefined,
  { joined }: Setting,
  query: string,
  excluded: readonly string[],
): Promise<ReasonedQuery> {
  if (!joined) return set.reasoner.reason(query);
  const second = joined.with === 'rm3' ? new Rm3Reasoner(set.index, set.scoring) : other!.reasoner;
  const members = [set.reasoner, second].map((reasoner) => ({ reasoner, sample: 0 }));
  return new SeveralReasoner('joined', members).reason(query, { excluded });
}

function printCandidates(all: readonly Evaluated[]): void {
  console.log('\n**Every candidate**: nDCG@10 / recall@100; the bare question for comparison\n');
  console.log(`| what is searched | ${all.map(({ label }) => label).join(' | ')} |`);
  console.log(`| --- |${all.map(() => ' ---: |').join('')}`);
  console.log(`| the question | ${all.map(({ question }) => meanOf(question).toFixed(4)).join(' | ')} |`);
  const names = [...new Set(all.flatMap(({ candidates }) => candidates.map(({ name }) => name)))];
  for (const name of names) {
    const cells = all.map(({ candidates, recall }) => {
      const place = candidates.findIndex((each) => each.name === name);
      return place < 0
        ? ''
        : `${meanOf(candidates[place].values).toFixed(4)} / ${meanOf(recall[place]).toFixed(4)}`;
    });
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
}

function printChosen(all: readonly Evaluated[]): void {
  const rows = all.flatMap((each) => {
    const open = isJoined(each) ? choices : choices.slice(0, 2);
    return open.map(({ label, has }) => {
      const candidates = each.candidates.filter(({ name }) => has(name));
      return { ...each, candidates, choice: label, cross: crossValidated({ ...each, candidates }) };
    });
  });
  const pairs = rows.map(({ candidates, cross }) => comparePaired(candidates[0].values, cross.values));
  const adjusted = holm(pairs.map(({ randomisation }) => randomisation.p));
  console.log(
    '\n**Chosen by 5-fold cross-validation against plain replacement** (nDCG@10 on the folds held out)\n',
  );
  console.log(
    '| collection | chosen among | replacement | chosen | difference | p | p (Holm) | W/T/L | over 20 ways of dealing folds |',
  );
  console.log('| --- | --- | ---: | ---: | --- | ---: | ---: | --- | --- |');
  const seeds = Array.from({ length: 20 }, (_, i) => i + 1);
  for (const [i, { label, choice, topics, candidates, cross }] of rows.entries()) {
    const { baseline, mean, difference, randomisation, wins, ties, losses } = pairs[i];
    const interval = bootstrapInterval(
      cross.values.map((value, topic) => value - candidates[0].values[topic]),
    )!;
    const { means } = repeatedlyCrossValidated({ topics, candidates }, seeds);
    console.log(
      `| ${label} | ${choice} | ${baseline.toFixed(4)} | ${mean.toFixed(4)} | ${signed(difference)}` +
        ` [${signed(interval.low)}, ${signed(interval.high)}] | ${probability(randomisation.p)} | ${probability(adjusted[i])} |` +
        ` ${wins}/${ties}/${losses} | ${meanOf(means).toFixed(4)} (${Math.min(...means).toFixed(4)} to ${Math.max(...means).toFixed(4)}) |`,
    );
  }
  console.log();
  for (const { label, choice, candidates, cross } of rows) {
    const names = candidates.flatMap(({ name }, i) =>
      cross.timesChosen[i] > 0 ? `${name} (${cross.timesChosen[i]}×)` : [],
    );
    console.log(`- ${label}, ${choice}: ${names.join('; ')}`);
  }
}

function isJoined({ candidates }: Evaluated): boolean {
  return candidates.some(({ name }) => name.includes('the other reasoner'));
}

function probability(p: number): string {
  return p < 0.001 ? '<0.001' : p.toFixed(3);
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
}
