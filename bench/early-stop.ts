/**
 * How many tokens does stopping by the ranking save, what does it cost in nDCG@10, and is it better than cutting every text
 * at a fixed number of tokens?
 *
 * Replays recorded reasoned queries through `StableRanking` for a grid of settings. Tokens are Qwen2's. Settings are chosen by
 * 5-fold cross-validation over questions: the one that saves the most tokens among those that keep 97 % of the whole texts'
 * nDCG@10 on the training folds. Beside it stands the fixed number of tokens that is chosen in the same way, and the one that
 * lets through as many tokens as the chosen setting on the training folds. Then the cost of looking, in milliseconds a query.
 */
import { resolve } from 'node:path';
import {
  bootstrapInterval,
  comparePaired,
  crossValidated,
  earlyStopName,
  foldsOf,
  trainingTopics,
  defaultEarlyStop,
  LexicalRetriever,
  meanOf,
  StableRanking,
  type EarlyStop,
} from 'quern';
import { withReasonedCollections, type ReasonedCollection } from './collections/reasoned-collections.js';
import { grid, qwenTokenizer, Replay, type Outcome } from './replay/early-ends.js';

const kept = 0.97;
const data = resolve(process.env['QUERN_DATA'] ?? '../shared/data');
const tokenizer = qwenTokenizer(data);
await withReasonedCollections(data, async (collections) => {
  const replays: Replay[] = [];
  for (const each of collections) {
    const replay = new Replay(each, tokenizer);
    await replay.run();
    replays.push(replay);
  }
  printGrid(replays);
  printChosen(replays);
  printShared(replays);
  for (const replay of replays) await printCost(replay.set);
});

function saved(outcome: Outcome, whole: Outcome, topics?: readonly number[]): number {
  const of = (values: readonly number[]): number =>
    meanOf(topics ? topics.map((topic) => values[topic]) : values);
  return 1 - of(outcome.tokens) / of(whole.tokens);
}

/** The place of the outcome with the fewest tokens among those that keep enough on the topics; -1 where none does. */
function thriftiest(outcomes: readonly Outcome[], whole: Outcome, topics: readonly number[]): number {
  const of = (values: readonly number[]): number => meanOf(topics.map((topic) => values[topic]));
  const enough = outcomes
    .map((outcome, place) => ({ place, tokens: of(outcome.tokens), ndcg: of(outcome.ndcg) }))
    .filter(({ ndcg }) => ndcg >= kept * of(whole.ndcg));
  return enough.reduce((best, each) => (each.tokens < best.tokens ? each : best), {
    place: -1,
    tokens: of(whole.tokens),
    ndcg: 0,
  }).place;
}

/** Out-of-fold values of a way of choosing among outcomes, the last of which is the whole text. */
function outOfFold(
  replay: Replay,
  outcomes: readonly Outcome[],
  choose: (training: readonly number[]) => number,
  seed = 1,
): Outcome {
  const all = [...outcomes, replay.whole];
  const place = (training: readonly number[]): number => {
    const chosen = choose(training);
    return chosen < 0 ? all.length - 1 : chosen;
  };
  const topics = replay.set.topics.map(({ id }) => id);
  const of = (key: 'tokens' | 'ndcg' | 'recall'): readonly number[] => {
    const candidates = all.map((outcome) => ({ name: outcome.name, values: outcome[key] }));
    return crossValidated({ topics, candidates, choose: place, seed }).values;
  };
  const { timesChosen } = crossValidated({
    topics,
    candidates: all.map(({ name, ndcg }) => ({ name, values: ndcg })),
    choose: place,
    seed,
  });
  const names = all.flatMap(({ name }, i) => (timesChosen[i] > 0 ? `${name} (${timesChosen[i]}×)` : []));
  return { name: names.join('; '), tokens: of('tokens'), ndcg: of('ndcg'), recall: of('recall') };
}

function printGrid(replays: readonly Replay[]): void {
  console.log('\n**Tokens saved: what is kept of nDCG@10 / of recall@100** (of the best 10)\n');
  const heads = replays.map(({ set, whole }) => {
    const figures = `${meanOf(whole.tokens).toFixed(0)} tokens, ${meanOf(whole.ndcg).toFixed(4)} / ${meanOf(whole.recall).toFixed(4)}`;
    return `${set.label} (${figures})`;
  });
  console.log(`| every | overlap | checks | ${heads.join(' | ')} |`);
  console.log(`| ---: | ---: | ---: |${heads.map(() => ' ---: |').join('')}`);
  for (const setting of grid) {
    const { every, overlap, checks } = setting;
    const name = earlyStopName(setting);
    const cells = replays.map(({ stopped, whole }) => {
      const outcome = stopped.find((each) => each.name === name)!;
      return cell(outcome, whole);
    });
    console.log(`| ${every} | ${overlap} | ${checks} | ${cells.join(' | ')} |`);
  }
  for (const length of [50, 100, 150, 200, 250, 300, 350, 400]) {
    const cells = replays.map(({ fixed, whole }) =>
      cell(
        fixed.find(({ name }) => name === `${length} tokens`)!,
        whole,
      ),
    );
    console.log(`| cut at ${length} | | | ${cells.join(' | ')} |`);
  }
}

function cell(outcome: Outcome, whole: Outcome): string {
  const ndcg = meanOf(outcome.ndcg) / meanOf(whole.ndcg);
  const recall = meanOf(outcome.recall) / meanOf(whole.recall);
  return `${percent(saved(outcome, whole))}: ${percent(ndcg)} / ${percent(recall)}`;
}

function printChosen(replays: readonly Replay[]): void {
  console.log('\n**Chosen by 5-fold cross-validation** (figures on the folds held out)\n');
  console.log(
    '| collection | ended by | saved | nDCG@10 | of the whole | difference to the whole | recall@100 |',
  );
  console.log('| --- | --- | ---: | ---: | ---: | --- | ---: |');
  for (const replay of replays) {
    const { whole, set, stopped, fixed } = replay;
    const ofRanking = (training: readonly number[]): number => thriftiest(stopped, whole, training);
    const ofLength = (training: readonly number[]): number => thriftiest(fixed, whole, training);
    const ofMatched = (training: readonly number[]): number => {
      const chosen = thriftiest(stopped, whole, training);
      if (chosen < 0) return -1;
      const of = (values: readonly number[]): number => meanOf(training.map((topic) => values[topic]));
      const wanted = of(stopped[chosen].tokens);
      const distances = fixed.map(({ tokens }) => Math.abs(of(tokens) - wanted));
      return distances.indexOf(Math.min(...distances));
    };
    const byRanking = outOfFold(replay, stopped, ofRanking);
    const byLength = outOfFold(replay, fixed, ofLength);
    const matched = outOfFold(replay, fixed, ofMatched);
    const rows = [
      ['whole text', whole],
      ['the ranking', byRanking],
      ['a fixed length', byLength],
      ['a fixed length of as many tokens', matched],
    ] as const;
    for (const [label, outcome] of rows) {
      const difference = comparePaired(whole.ndcg, outcome.ndcg);
      const interval = bootstrapInterval(outcome.ndcg.map((value, i) => value - whole.ndcg[i]))!;
      const told =
        outcome === whole
          ? ''
          : `${signed(difference.difference)} [${signed(interval.low)}, ${signed(interval.high)}]`;
      console.log(
        `| ${set.label} | ${label} | ${percent(saved(outcome, whole))} | ${meanOf(outcome.ndcg).toFixed(4)} |` +
          ` ${percent(meanOf(outcome.ndcg) / meanOf(whole.ndcg))} | ${told} | ${meanOf(outcome.recall).toFixed(4)} |`,
      );
    }
    const pair = comparePaired(matched.ndcg, byRanking.ndcg);
    const interval = bootstrapInterval(byRanking.ndcg.map((value, i) => value - matched.ndcg[i]))!;
    console.log(
      `\nthe ranking against a fixed length of as many tokens: ${signed(pair.difference)}` +
        ` [${signed(interval.low)}, ${signed(interval.high)}], p = ${pair.randomisation.p.toFixed(3)},` +
        ` ${pair.wins}/${pair.ties}/${pair.losses} won/tied/lost\nchosen: ${byRanking.name}; fixed: ${byLength.name}`,
    );
    const seeds = Array.from({ length: 20 }, (_, i) => i + 1);
    const repeated = seeds.map((seed) => ({
      ranking: outOfFold(replay, stopped, ofRanking, seed),
      matched: outOfFold(replay, fixed, ofMatched, seed),
    }));
    const means = (of: (each: (typeof repeated)[number]) => number): string =>
      percent(meanOf(repeated.map(of)));
    console.log(
      `over ${seeds.length} ways of dealing folds: ${means((each) => saved(each.ranking, whole))} saved,` +
        ` ${means((each) => meanOf(each.ranking.ndcg) / meanOf(whole.ndcg))} kept;` +
        ` a fixed length of as many tokens: ${means((each) => saved(each.matched, whole))} saved,` +
        ` ${means((each) => meanOf(each.matched.ndcg) / meanOf(whole.ndcg))} kept\n`,
    );
  }
}

/** One setting for all collections, chosen on the other folds of all of them; and the default. */
function printShared(replays: readonly Replay[]): void {
  console.log('\n**One setting for all collections**\n');
  console.log(
    '| collection | setting | saved | nDCG@10 of the whole | fixed length of as many tokens | difference |',
  );
  console.log('| --- | --- | ---: | ---: | ---: | --- |');
  const byDefault = grid.findIndex((each) => earlyStopName(each) === earlyStopName(defaultEarlyStop));
  const ids = replays.map(({ set }) => set.topics.map(({ id }) => id));
  const folds = ids.map((topics) => foldsOf(topics));
  const chosen = folds[0].map((_, fold) =>
    thriftiestOfAll(
      replays,
      replays.map((__, i) => trainingTopics(ids[i], folds[i][fold])),
    ),
  );
  for (const [i, replay] of replays.entries()) {
    const places = ids[i].map((_, topic) => chosen[folds[i].findIndex((fold) => fold.includes(topic))]);
    const names = [...new Set(chosen)].map(
      (place) => `${grid[place]?.every}/${grid[place]?.overlap}/${grid[place]?.checks}`,
    );
    printAgainstLength(replay, `cross-validated: every/overlap/checks ${names.join(', ')}`, places);
    const same = ids[i].map(() => byDefault);
    printAgainstLength(replay, `${earlyStopName(defaultEarlyStop)} (the default)`, same);
  }
}

/** The setting that saves the most tokens among those that keep enough on each collection's topics; -1 where none does. */
function thriftiestOfAll(replays: readonly Replay[], topics: readonly (readonly number[])[]): number {
  const of = (values: readonly number[], i: number): number =>
    meanOf(topics[i].map((topic) => values[topic]));
  const settings = grid
    .map((_, place) => ({
      place,
      share: meanOf(replays.map(({ stopped, whole }, i) => saved(stopped[place], whole, topics[i]))),
      keeps: replays.every(({ stopped, whole }, i) => of(stopped[place].ndcg, i) >= kept * of(whole.ndcg, i)),
    }))
    .filter(({ keeps }) => keeps);
  return settings.reduce((best, each) => (each.share > best.share ? each : best), { place: -1, share: 0 })
    .place;
}

/** A row: each topic's text ended by its setting (-1: never), beside the fixed length that lets through as many tokens. */
function printAgainstLength(replay: Replay, label: string, places: readonly number[]): void {
  const { whole, fixed, stopped, set } = replay;
  const of = (key: 'tokens' | 'ndcg' | 'recall'): number[] =>
    places.map((place, topic) => (place < 0 ? whole : stopped[place])[key][topic]);
  const outcome: Outcome = { name: label, tokens: of('tokens'), ndcg: of('ndcg'), recall: of('recall') };
  const distances = fixed.map(({ tokens }) => Math.abs(meanOf(tokens) - meanOf(outcome.tokens)));
  const matched = fixed[distances.indexOf(Math.min(...distances))];
  const share = (each: Outcome): string => percent(meanOf(each.ndcg) / meanOf(whole.ndcg));
  const pair = comparePaired(matched.ndcg, outcome.ndcg);
  const interval = bootstrapInterval(outcome.ndcg.map((value, i) => value - matched.ndcg[i]))!;
  console.log(
    `| ${set.label} | ${label} | ${percent(saved(outcome, whole))} | ${share(outcome)} | ${share(matched)} (${matched.name}) |` +
      ` ${signed(pair.difference)} [${signed(interval.low)}, ${signed(interval.high)}], p = ${pair.randomisation.p.toFixed(3)} |`,
  );
}

async function printCost({ label, texts, topics, index, scoring }: ReasonedCollection): Promise<void> {
  const retriever = new LexicalRetriever(index, scoring);
  const never: EarlyStop = { ...defaultEarlyStop, overlap: 1, checks: 1_000_000 };
  const times: number[] = [];
  let probes = 0;
  let tokens = 0;
  for (let round = 0; round < 5; round++) {
    for (const [i, text] of texts.entries()) {
      const watch = new StableRanking(retriever, never, { excluded: topics[i].excluded });
      await watch.enough(text);
      times.push(watch.milliseconds);
      probes += watch.probes;
      tokens += tokenizer.encode(text).ids.length;
    }
  }
  const mean = meanOf(times);
  const share = (rate: number): string =>
    `${((100 * mean) / ((1000 * tokens) / times.length / rate)).toFixed(2)} % at ${rate}`;
  console.log(
    `looking, ${label}: ${mean.toFixed(2)} ms a whole text (${(probes / times.length).toFixed(1)} looks);` +
      ` of the generation: ${[40, 100, 250].map(share).join(', ')} tokens a second`,
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
}
