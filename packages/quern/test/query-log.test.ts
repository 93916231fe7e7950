/** Query logs that are made up by a click model from a collection whose judgements are known: what is found in them again. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCollection } from '../src/collections/collection.ts';
import { normalisedQuery } from '../src/collections/query-log-filters.ts';
import type { Qrels, Run, Topic } from '../src/collections/records.ts';
import { evaluateNamed } from '../src/evaluate/evaluate-named.ts';
import { evaluateRun, parseMeasures } from '../src/evaluate/measures.ts';
import { trafficReport, type TrafficReport } from '../src/evaluate/traffic.ts';
import { combineNamed } from '../src/search/combine.ts';
import { botLog, clickLog, clickTable, jsonLines, type MadeSearch } from './click-log.ts';
import { quern, quernJson } from './run-quern.ts';
import { dataPath, sharedData } from './shared-data.ts';
import { temporaryFolder } from './temporary-folder.ts';

const measures = parseMeasures(['ndcg@10']);

function queriesOf(searches: readonly MadeSearch[]): Set<string> {
  return new Set(searches.map(({ query }) => normalisedQuery(query)));
}

describe.skipIf(!sharedData)('a query log of textbooks, made up by a position-based click model', () => {
  const folder = temporaryFolder();
  const index = join(folder, 'textbooks.index');
  const file = join(folder, 'log.jsonl');
  const recorded = `file:${sharedData && dataPath('textbooks/reasoned.json')}`;
  let topics: readonly Topic[];
  let qrels: Qrels;
  let runs: Run[];

  /** Evaluates without reasoning and with recorded reasoning. */
  function evaluated<T>(
    name: string,
    split: string | undefined,
    visit: Parameters<typeof evaluateNamed<T>>[2],
  ) {
    return evaluateNamed<T>(
      name,
      {
        data: sharedData,
        index,
        split,
        store: true,
        reasoners: ['none', recorded],
        plan: { combine: combineNamed('replace') },
        k: 1000,
        measures,
      },
      visit,
    );
  }

  function reported(searches: readonly MadeSearch[], split?: string): Promise<TrafficReport> {
    writeFileSync(file, jsonLines(searches));
    return evaluated(`log:${file}`, split, ({ collection, evaluations: [baseline, ...others] }) =>
      Promise.resolve(
        trafficReport({ traffic: collection.traffic!, qrels: collection.qrels, baseline, others }),
      ),
    );
  }

  /** What the judgements of the collection say of the searches of `searched`, by {@link trafficReport}'s rule. */
  function truth(searched: readonly MadeSearch[]) {
    const ids = new Map(topics.map(({ id, text }) => [normalisedQuery(text), id]));
    const [before, after] = runs.map((run) => evaluateRun(run, qrels, measures, { complete: true }).perTopic);
    const differences = searched.map(({ query }) => {
      const id = ids.get(normalisedQuery(query))!;
      return after.get(id)!['ndcg@10'] - before.get(id)!['ndcg@10'];
    });
    const share = (holds: (difference: number) => boolean): number =>
      differences.filter(holds).length / differences.length;
    return {
      helped: share((difference) => difference > 0.01),
      hurt: share((difference) => difference < -0.01),
      difference: differences.reduce((sum, each) => sum + each, 0) / differences.length,
    };
  }

  beforeAll(async () => {
    ({ topics, qrels } = await openCollection('beir:textbooks', {
      data: sharedData,
      split: 'reasoned-test',
    }));
    runs = await evaluated('beir:textbooks', 'reasoned-test', ({ evaluations }) =>
      Promise.resolve(evaluations.map(({ run }) => run)),
    );
  });

  it('tells the helped and the hurt share of the traffic where what is relevant was shown', async () => {
    const searches = clickLog({ topics, qrels, shown: runs[0], searches: 20_000, showRelevant: true });
    const report = await reported(searches, 'all');
    const { helped, hurt, difference } = truth(searches);
    const [{ helped: foundHelped, hurt: foundHurt, ...found }] = report.reasoners;
    expect(report.judged.ofAll).toBeGreaterThan(0.99);
    expect(Math.abs(foundHelped.ofAll - helped)).toBeLessThan(0.05);
    expect(Math.abs(foundHurt.ofAll - hurt)).toBeLessThan(0.05);
    expect(Math.abs(found.difference - difference)).toBeLessThan(0.05);
    expect(foundHelped.interval.low).toBeLessThan(helped);
    expect(foundHelped.interval.high).toBeGreaterThan(helped);
  });

  it('underestimates reasoning where only the hits of plain BM25 could be clicked, as its caveats say', async () => {
    const searches = clickLog({ topics, qrels, shown: runs[0], searches: 20_000 });
    const report = await reported(searches, 'all');
    const [{ difference, newInFirstTen }] = report.reasoners;
    expect(difference).toBeLessThan(truth(searches).difference - 0.1);
    expect(newInFirstTen).toBeGreaterThan(0.5);
    expect(report.caveats.join(' ')).toContain('underestimated');
  });

  it('counts every search of people once, and none of a program', async () => {
    const people = clickLog({ topics, qrels, shown: runs[0], searches: 3000, showRelevant: true });
    const bots = botLog([topics[0].text, 'what is a bot?'], 500);
    const report = await reported([...people, ...bots], 'all');
    expect(report.log).toMatchObject({
      rows: 3500,
      searches: 3500,
      leftOut: [{ fault: 'searches a minute', searches: 500, sessions: 1 }],
      kept: { searches: 3000, queries: queriesOf(people).size },
      clicks: people.flatMap(({ clicks }) => clicks).length,
    });
    expect(report.judged.searches + report.unknown.searches).toBe(3000);
  });

  it('finds the queries of each part, and those that were not asked before the split', async () => {
    const people = clickLog({ topics, qrels, shown: runs[0], searches: 1000, showRelevant: true });
    const [train, test] = [people.slice(0, 800), people.slice(800)];
    const before = queriesOf(train);
    const isSeen = ({ query }: MadeSearch): boolean => before.has(normalisedQuery(query));
    const seen = { searches: test.filter(isSeen).length, queries: queriesOf(test.filter(isSeen)).size };
    const unseen = test.filter((search) => !isSeen(search));
    expect(unseen.length).toBeGreaterThan(0);
    const later = { cut: test[0].time, seen };
    expect((await reported(people)).log).toMatchObject({ ...later, split: 'test', kept: { searches: 200 } });
    expect((await reported(people, 'train')).log).toMatchObject({
      cut: test[0].time,
      seen: null,
      kept: { searches: 800, queries: queriesOf(train).size },
    });
    expect((await reported(people, 'unseen')).log).toMatchObject({
      ...later,
      kept: { searches: unseen.length, queries: queriesOf(unseen).size },
    });
  });

  it('says the same of a table with a row for each click', async () => {
    const searches = clickLog({ topics, qrels, shown: runs[0], searches: 2000 });
    const report = await reported(searches);
    const table = join(folder, 'log.tsv');
    writeFileSync(table, clickTable(searches));
    const { traffic } = await quernJson<{ traffic: TrafficReport }>(
      ['eval', `log:${table}`, '--index', index, '--reasoner', recorded],
      {},
    );
    const { rows: _, ...facts } = report.log;
    expect(traffic).toMatchObject({ ...report, log: facts });
  });

  it('is told of on the terminal and in the report, with what clicks cannot tell', async () => {
    writeFileSync(file, jsonLines(clickLog({ topics, qrels, shown: runs[0], searches: 2000 })));
    const html = join(folder, 'report.html');
    const reasoners = ['--reasoner', 'none', '--reasoner', recorded, '--reasoner', 'rm3'];
    const args = ['eval', `log:${file}`, '--index', index, ...reasoners, '--html', html];
    const { code, stdout } = await quern(args);
    expect(code).toBe(0);
    const page = readFileSync(html, 'utf8');
    for (const text of [stdout.replaceAll(/\s+/g, ' '), page]) {
      expect(text).toContain('Position bias');
      expect(text).toContain('Only what was shown could be clicked');
      for (const run of ['bm25+reasoned.json', 'bm25+rm3']) expect(text).toContain(run);
    }
  });

  it('that has no judgements says first which fields were not read', async () => {
    writeFileSync(file, '{"query":"q","click":"a"}\n');
    const { code, stderr } = await quern(['eval', `log:${file}`, '--index', index, '--reasoner', 'rm3']);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/the field "click" is not read[^]*no query has a click that counts/);
  });
});
