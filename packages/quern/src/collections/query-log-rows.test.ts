import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { Warnings } from '../warnings.ts';
import { readLogRows, type LogRow } from './query-log-rows.ts';

const path = join(temporaryFolder(), 'log');

async function rowsOf(content: string | Uint8Array, warnings?: Warnings): Promise<LogRow[]> {
  writeFileSync(path, content);
  const rows: LogRow[] = [];
  for await (const row of readLogRows(path, { warnings })) rows.push(row);
  return rows;
}

function table(...rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.join('\t')}\n`).join('');
}

const time = Date.UTC(2026, 2, 1, 12, 30);

describe('a row of a query log', () => {
  const whole = {
    query: 'why is the sky blue',
    clicks: [
      { document: 'a', position: 1 },
      { document: 'b', position: 7 },
    ],
    count: 3,
    time,
    session: '17',
  };

  it.each([
    [
      'a JSON object',
      '{"query":"why is the sky blue","clicks":["a","b"],"positions":[1,7],"count":3,"time":"2026-03-01T12:30:00Z","session":17}',
    ],
    [
      'a JSON object by other names',
      '{"user":"17","time":1772368200,"clicked":["a","b"],"position":[1,7],"count":3,"query":"why is the sky blue"}',
    ],
    [
      'a row of a table',
      table(
        ['query', 'clicks', 'positions', 'count', 'time', 'session'],
        ['why is the sky blue', 'a b', '1 7', '3', '2026-03-01 12:30', '17'],
      ),
    ],
    [
      'a row of a table with columns in another order and by other names',
      table(
        ['User', 'Time', 'Query', 'Position', 'Clicked', 'Count'],
        ['17', '1772368200000', 'why is the sky blue', '1,7', 'a, b', '3'],
      ),
    ],
  ])('is read from %s', async (_, content) => {
    expect(await rowsOf(content)).toMatchObject([whole]);
    expect(await rowsOf(gzipSync(content))).toMatchObject([whole]);
  });

  it('needs no more than a query', async () => {
    const bare = { query: 'q', clicks: [], count: 1 };
    expect(await rowsOf('{"query":"q"}')).toEqual([{ ...bare, where: `${path}:1` }]);
    expect(await rowsOf('\n{"query":"q","clicks":null,"time":null}\n\n')).toEqual([
      { ...bare, where: `${path}:2` },
    ]);
    expect(await rowsOf(table(['query', 'clicks'], ['q', '']))).toEqual([{ ...bare, where: `${path}:2` }]);
  });

  it('has one clicked document where it names one alone', async () => {
    const clicked = [{ clicks: [{ document: 'a', position: 2 }] }];
    expect(await rowsOf('{"query":"q","clicked":"a","position":2}')).toMatchObject(clicked);
    expect(await rowsOf(table(['query', 'clicked', 'position'], ['q', 'a', '2']))).toMatchObject(clicked);
  });

  it.each([
    ['2026-03-01T12:30:00.000Z'],
    ['2026-03-01T14:30+02:00'],
    ['2026-03-01 10:30:00 -0200'],
    ['1772368200'],
    ['1772368200000'],
    ['1772368200.0'],
  ])('has its time in %s', async (written) => {
    expect(await rowsOf(JSON.stringify({ query: 'q', time: written }))).toMatchObject([{ time }]);
  });

  it('tells of fields in the first row that are not read', async () => {
    const warnings = new Warnings();
    await rowsOf('{"query":"q","click":"a"}\n{"query":"q","other":1}\n', warnings);
    expect(warnings.list()).toEqual([
      { message: 'the field "click" is not read', count: 1, first: `${path}:1` },
    ]);
  });

  it('tells of ten names that are not read, and how many more there are', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `f${i}`);
    const json = { query: 'q', ...Object.fromEntries(names.map((name) => [name, 1])) };
    for (const [what, content] of [
      ['fields', JSON.stringify(json)],
      ['columns', table(['query', 'clicks', ...names])],
    ]) {
      const warnings = new Warnings();
      await rowsOf(content, warnings);
      const messages = warnings.list().map(({ message }) => message);
      expect(messages).toHaveLength(11);
      expect(messages.at(-1)).toBe(`2 more ${what} are not read`);
    }
  });

  it('that ends early, and columns that are not read, are counted', async () => {
    const warnings = new Warnings();
    const rows = await rowsOf(table(['query', 'clicks', 'agent', 'time'], ['q', 'a'], ['r']), warnings);
    expect(rows.map(({ query, clicks }) => [query, clicks.length])).toEqual([
      ['q', 1],
      ['r', 0],
    ]);
    expect(warnings.list()).toEqual([
      { message: 'the column "agent" is not read', count: 1, first: `${path}:1` },
      { message: 'a row that ends before its last column', count: 2, first: `${path}:2` },
    ]);
  });

  it.each([
    ['no query column', table(['q', 'clicks'], ['a', 'b']), 1],
    ['no column of clicks', table(['query', 'url'], ['a', 'b']), 1],
    ['more fields than columns', table(['query', 'clicks'], ['a', 'b', 'c']), 2],
    ['a count that is no number', table(['query', 'clicks', 'count'], ['a', 'b', 'many']), 2],
    ['a position of 0', table(['query', 'clicks', 'position'], ['a', 'b', '0']), 2],
    ['fewer positions than clicks', table(['query', 'clicks', 'position'], ['a', 'b c', '1']), 2],
    ['a time that is none', table(['query', 'clicks', 'time'], ['a', 'b', 'yesterday']), 2],
    ['a time of microseconds', '{"query":"q","time":1772368200000000}', 1],
    ['a day that there is not', '{"query":"q","time":"2026-13-01"}', 1],
    ['a JSON row without a query', '{"query":"q"}\n{"text":"q"}', 2],
    ['a query that is a number', '{"query":7}', 1],
    ['clicks that are objects', '{"query":"q","clicks":[{"id":"a"}]}', 1],
    ['what is not JSON', '{"query":"q"}\nquery\n', 2],
    ['half a JSON object', '{"query":"q"', 1],
  ])('with %s is an error that names its line', async (_, content, line) => {
    await expect(rowsOf(content)).rejects.toMatchObject({ code: 'BAD_INPUT', where: `${path}:${line}` });
  });

  it.each([
    ['a table with commas', 'query,clicks\nq,a\n', /tabs/],
    ['an object on several lines', '{\n  "query": "q"\n}\n', /one JSON object on each line/],
  ])('with %s is an error that says how a log is written', async (_, content, advice) => {
    await expect(rowsOf(content)).rejects.toThrow(advice);
  });
});
