import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { openCollection } from './collection.ts';
import { normalisedQuery } from './query-log-filters.ts';
import { readQueryLog, type LogSplit, type QueryLogOptions } from './query-log.ts';

const path = join(temporaryFolder(), 'log.jsonl');

interface Row {
  readonly query: string;
  readonly clicks?: readonly string[];
  readonly positions?: readonly number[];
  readonly count?: number;
  readonly time?: number;
  readonly session?: string;
}

function logOf(rows: readonly Row[], options?: QueryLogOptions) {
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return readQueryLog(path, options);
}

const day = 86_400_000;
const noon = Date.UTC(2026, 2, 1, 12);

/** Searches of one session, `seconds` apart. */
function searchesOf(session: string, queries: readonly string[], seconds: number): Row[] {
  return queries.map((query, i) => ({ query, session, time: noon + i * seconds * 1000 }));
}

describe('queries of a log', () => {
  it('are one where they differ in case, white space and form of characters alone', async () => {
    const { queries, facts } = await logOf([
      { query: 'Why is the sky blue?', count: 2 },
      { query: ' why  is the sky\u00a0BLUE? ' },
      { query: 'ｗｈｙ is the sky blue?' },
      { query: 'why is the sky' },
    ]);
    expect(queries).toMatchObject([
      { text: 'Why is the sky blue?', searches: 4, spellings: 3 },
      { text: 'why is the sky', searches: 1, spellings: 1 },
    ]);
    expect(facts.kept).toEqual({ queries: 2, searches: 5 });
  });

  it('have the same ids in every log, which tell them apart', async () => {
    const one = await logOf([{ query: 'A' }, { query: 'b' }]);
    const other = await logOf([{ query: 'B' }, { query: 'c' }, { query: 'a ' }]);
    const idOf = ({ queries }: typeof one, query: string): string =>
      queries.find(({ text }) => normalisedQuery(text) === query)!.id;
    for (const query of ['a', 'b']) expect(idOf(one, query)).toBe(idOf(other, query));
    expect(new Set(other.queries.map(({ id }) => id)).size).toBe(3);
    for (const { id } of other.queries) expect(id).toMatch(/^[\da-f]{16}$/);
  });

  it('have the clicks of all their searches, weighed by position', async () => {
    const { queries, facts } = await logOf([
      { query: 'q', clicks: ['a'], positions: [1], count: 5 },
      { query: 'Q', clicks: ['b', 'b', 'a'], positions: [4, 4, 2] },
      { query: 'q', clicks: ['c'] },
      { query: 'q', clicks: ['b'], positions: [40] },
    ]);
    expect(Object.fromEntries(queries[0].documents)).toEqual({
      a: { clicks: 6, weight: 7 },
      b: { clicks: 2, weight: 14 },
      c: { clicks: 1, weight: 1 },
    });
    expect(facts).toMatchObject({ clicks: 9, clicksWithoutPosition: 1, clicksOnUnknown: 0 });
  });

  it('do not have clicks on documents that are not there', async () => {
    const rows = [{ query: 'q', clicks: ['a', 'gone'], count: 2 }];
    const { queries, facts } = await logOf(rows, { hasDocument: (id) => id !== 'gone' });
    expect([...queries[0].documents.keys()]).toEqual(['a']);
    expect(facts).toMatchObject({ clicks: 2, clicksOnUnknown: 2, searches: 2 });
  });

  it('are the same whatever the order of rows without sessions', async () => {
    const row = fc.record({
      query: fc.constantFrom('a', 'A', 'b', 'B', ' b', '?'),
      clicks: fc.array(fc.constantFrom('d', 'e', 'f'), { maxLength: 3 }),
      time: fc.integer({ min: noon, max: noon + day }),
    });
    const property = fc.asyncProperty(fc.array(row, { maxLength: 20 }), async (rows) => {
      const ordered = await logOf([...rows].sort((a, b) => a.time - b.time));
      const { leftOut, ...facts } = ordered.facts;
      const given = await logOf(rows);
      expect(given.facts).toMatchObject(facts);
      expect(given.queries).toEqual(ordered.queries);
      const total = leftOut.reduce((sum, { searches }) => sum + searches, 0);
      expect(total + facts.elsewhere + facts.kept.searches).toBe(rows.length);
    });
    await fc.assert(property, { numRuns: 50 });
  });
});

describe('rows of one search', () => {
  const time = noon;
  it('add their clicks to it where session, time and query are the same', async () => {
    const { queries, facts } = await logOf([
      { query: 'q', clicks: ['a'], session: 's', time },
      { query: 'other', session: 't', time },
      { query: 'q', clicks: ['b'], session: 's', time },
      { query: 'q', clicks: ['b'], session: 't', time },
    ]);
    expect(facts).toMatchObject({ rows: 4, searches: 3, clicks: 3 });
    expect(queries[0]).toMatchObject({ searches: 2 });
  });

  it.each<[string, Row, Row]>([
    [
      'have another time',
      { query: 'q', clicks: ['a'], session: 's', time },
      { query: 'q', clicks: ['b'], session: 's', time: time + 1000 },
    ],
    ['have no session', { query: 'q', clicks: ['a'], time }, { query: 'q', clicks: ['b'], time }],
    [
      'have no time',
      { query: 'q', clicks: ['a'], session: 's' },
      { query: 'q', clicks: ['b'], session: 's' },
    ],
    [
      'bring no new click',
      { query: 'q', clicks: ['a'], session: 's', time },
      { query: 'q', clicks: ['a'], session: 's', time },
    ],
    ['have no click', { query: 'q', session: 's', time }, { query: 'q', session: 's', time }],
  ])('are two searches where they %s', async (_, first, second) => {
    expect((await logOf([first, second])).facts.searches).toBe(2);
  });
});

describe('a session', () => {
  const words = Array.from({ length: 101 }, (_, i) => `word${i}`);

  it.each([
    ['searches a day', searchesOf('s', words, 400)],
    ['searches a minute', searchesOf('s', words.slice(0, 21), 2)],
    [
      'same query in a row',
      searchesOf(
        's',
        Array.from({ length: 21 }, () => 'same'),
        400,
      ),
    ],
  ])('of too many (%s) is left out with all that it searched', async (fault, rows) => {
    const person = { query: 'people', session: 'p', time: noon };
    const { facts, queries } = await logOf([...rows, person, { ...rows[0], time: noon + 5 * day }], {
      split: 'all',
    });
    expect(facts.leftOut).toEqual([{ fault, searches: rows.length + 1, sessions: 1 }]);
    expect(queries).toMatchObject([{ text: 'people', searches: 1 }]);
  });

  it.each([
    ['searches a day', searchesOf('s', words.slice(0, 100), 400)],
    ['searches a minute', searchesOf('s', words.slice(0, 20), 2)],
    [
      'same query in a row',
      searchesOf(
        's',
        Array.from({ length: 20 }, () => 'same'),
        400,
      ),
    ],
  ])('of as many as the rule allows (%s) stays', async (_, rows) => {
    const { facts } = await logOf(rows, { split: 'all' });
    expect(facts.leftOut).toEqual([]);
    expect(facts.kept.searches).toBe(rows.length);
  });

  it('is not there where rows have none: then none of its rules holds', async () => {
    const rows = Array.from({ length: 300 }, () => ({ query: 'same', time: noon }));
    expect((await logOf(rows)).facts.kept.searches).toBe(300);
  });

  it('is held to the rules that are set', async () => {
    const rows = searchesOf('s', ['a', 'b', 'c'], 400);
    const { facts } = await logOf(rows, { rules: { searchesADay: 2 } });
    expect(facts.leftOut).toEqual([{ fault: 'searches a day', searches: 3, sessions: 1 }]);
    await expect(logOf(rows, { rules: { searchesADay: 0 } })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(logOf(rows, { clickRules: { eta: NaN } })).rejects.toMatchObject({ code: 'USAGE' });
  });
});

it('queries that are none are left out, each for the first reason', async () => {
  const { facts } = await logOf([
    { query: '' },
    { query: ' \t' },
    { query: '?!… —' },
    { query: 'https://example.org/?q=1' },
    { query: 'www.example.org' },
    { query: 'what is https://example.org', count: 2 },
    { query: 'x'.repeat(2001) },
    { query: 'x'.repeat(2000) },
  ]);
  expect(Object.fromEntries(facts.leftOut.map(({ fault, searches }) => [fault, searches]))).toEqual({
    empty: 2,
    'only punctuation': 1,
    'a URL': 2,
    'too long': 1,
  });
  expect(facts.kept).toEqual({ queries: 2, searches: 3 });
});

describe('the parts of a log', () => {
  const rows = Array.from({ length: 10 }, (_, i) => ({ query: `q${i % 9}`, time: noon + i * day }));

  async function textsOf(split: LogSplit): Promise<string[]> {
    return (await logOf(rows, { split })).queries.map(({ text }) => text).sort();
  }

  it('are the earlier 80 % of its searches, and the later ones', async () => {
    expect(await textsOf('train')).toEqual(['q0', 'q1', 'q2', 'q3', 'q4', 'q5', 'q6', 'q7']);
    expect(await textsOf('test')).toEqual(['q0', 'q8']);
    expect(await textsOf('unseen')).toEqual(['q8']);
    expect(await textsOf('all')).toHaveLength(9);
  });

  it('are judged by their own clicks alone', async () => {
    const clicked = rows.map((row, i) => ({ ...row, clicks: [`d${i}`] }));
    const { queries, facts } = await logOf(clicked, { split: 'test' });
    expect(facts.clicks).toBe(2);
    expect((await logOf(clicked, { split: 'unseen' })).facts.clicks).toBe(1);
    expect(queries.flatMap(({ documents }) => [...documents.keys()]).sort()).toEqual(['d8', 'd9']);
  });

  it('are its test where none is named, and all of it where it has no times, or one alone', async () => {
    expect((await logOf(rows)).facts).toMatchObject({ split: 'test', seen: { queries: 1, searches: 1 } });
    const timeless = rows.map(({ query }) => ({ query }));
    expect((await logOf(timeless)).facts).toMatchObject({ split: 'all', cut: null, seen: null });
    const atOnce = rows.map(({ query }) => ({ query, time: noon }));
    expect((await logOf(atOnce)).facts).toMatchObject({ split: 'all', cut: null });
    await expect(logOf(timeless, { split: 'train' })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('do not hold searches without a time', async () => {
    const { facts } = await logOf([...rows, { query: 'when?', count: 4 }]);
    expect(facts.leftOut).toEqual([{ fault: 'no time', searches: 4 }]);
  });
});

describe('the collection log:FILE', () => {
  it('has the queries with judgements as topics, and counts the others', async () => {
    await logOf([
      { query: 'a', clicks: ['d', 'e'], count: 7 },
      { query: 'b', count: 2 },
      { query: 'c', clicks: ['gone'] },
    ]);
    const collection = await openCollection(`log:${path}`, { hasDocument: (id) => id !== 'gone' });
    const [{ id }] = collection.topics;
    expect(collection).toMatchObject({
      name: `log:${path}`,
      defaultScoring: 'bm25',
      topics: [{ text: 'a' }],
    });
    expect(collection.qrels).toEqual(
      new Map([
        [
          id,
          new Map([
            ['d', 3],
            ['e', 3],
          ]),
        ],
      ]),
    );
    expect(collection.traffic).toMatchObject({
      judged: new Map([[id, { searches: 7, spellings: 1 }]]),
      unknown: { queries: 2, searches: 3, spellings: 2 },
    });
    await expect(collection.corpus()).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('is an error where there is no judgement, which says why', async () => {
    await logOf([{ query: 'a', clicks: ['gone'] }]);
    const opening = openCollection(`log:${path}`, { hasDocument: () => false });
    await expect(opening).rejects.toThrow('none of the 1 clicks');
    await logOf([{ query: 'a' }]);
    await expect(openCollection(`log:${path}`)).rejects.toMatchObject({ code: 'BAD_INPUT' });
    writeFileSync(path, '');
    await expect(openCollection(`log:${path}`)).rejects.toThrow('the log has no rows');
    await logOf([
      { query: 'a', clicks: ['x'], time: 1_772_323_200 },
      { query: 'https://example.org/', clicks: ['x'], time: 1_772_409_600 },
    ]);
    await expect(openCollection(`log:${path}`)).rejects.toThrow(/no search in its part test.*--split all/);
    await expect(openCollection(`log:${path}`, { split: 'dev' })).rejects.toMatchObject({ code: 'USAGE' });
  });
});
