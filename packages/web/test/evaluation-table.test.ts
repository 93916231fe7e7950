import { describe, expect, it } from 'vitest';
import { comparePaired } from '../../quern/src/evaluate/comparison.ts';
import { holm } from '../../quern/src/evaluate/statistics.ts';
import { resultsTable, type TableSources } from '../src/pages/evaluation/results-table.ts';
import { pairsToMake, significanceOf } from '../src/pages/evaluation/significance.ts';
import { gathered } from '../src/pages/evaluation/systems.ts';
import { savedRun, drawnValues } from './evaluation-folders.ts';

/** Systems by their values on collections; `undefined`: no run. */
function sources(table: Readonly<Record<string, readonly (number | undefined)[]>>): TableSources {
  const runs = Object.entries(table).flatMap(([run, row]) =>
    row.flatMap((value, i) =>
      value === undefined
        ? []
        : [savedRun({ run, collection: `c${i}`, judgements: `c${i}`, measures: { 'ndcg@10': value } })],
    ),
  );
  const { systems, columns } = gathered({ runs });
  const named = Object.keys(table).map((name) => systems.find(({ key }) => key === name)!);
  return {
    systems: named,
    columns: [...columns].sort((a, b) => (a.key < b.key ? -1 : 1)),
    baseline: named[0],
    measure: 'ndcg@10',
    digits: 1,
  };
}

const standings = (of: TableSources) =>
  resultsTable(of).rows.map(({ cells, mean }) =>
    [...cells, ...(mean ? [mean] : [])].map(({ text, standing }) => `${text} ${standing ?? ''}`.trim()),
  );

describe('the table', () => {
  it('has the best bold, the second underlined, and the macro mean', () => {
    expect(standings(sources({ a: [0.189, 0.272], b: [0.579, 0.509], c: [0.46, 0.472] }))).toEqual([
      ['18.9', '27.2', '23.1'],
      ['57.9 best', '50.9 best', '54.4 best'],
      ['46.0 second', '47.2 second', '46.6 second'],
    ]);
  });

  it('what is written alike stands alike, as it is written now', () => {
    const tied = sources({ a: [0.2221], b: [0.2224], c: [0.1], d: [0.1] });
    expect(standings(tied).map(([cell]) => cell)).toEqual([
      '22.2 best',
      '22.2 best',
      '10.0 second',
      '10.0 second',
    ]);
    expect(standings({ ...tied, digits: 4 }).map(([cell]) => cell)).toEqual([
      '0.2221 second',
      '0.2224 best',
      '0.1000',
      '0.1000',
    ]);
    expect(standings(sources({ a: [0.5], b: [0.5] })).flat()).toEqual(['50.0 best', '50.0 best']);
    expect(standings(sources({ a: [0.5] })).flat()).toEqual(['50.0']);
  });

  it('the mean is over the collections that all have; what is left out is told', () => {
    const table = resultsTable(sources({ a: [0.1, 0.2, 0.3], b: [0.3, undefined, 0.1] }));
    expect(table.rows.map(({ mean }) => mean?.text)).toEqual(['20.0', '20.0']);
    expect(table.rows[1].cells.map(({ text, standing }) => [text, standing])).toEqual([
      ['30.0', 'best'],
      ['–', undefined],
      ['10.0', 'second'],
    ]);
    expect(table.meanOver.map(({ key }) => key)).toEqual(['c0', 'c2']);
    expect(table.leftOut.map(({ column, without }) => [column.key, without.map(({ key }) => key)])).toEqual([
      ['c1', ['b']],
    ]);
  });

  it('there is no mean of one collection, nor where systems share but one', () => {
    for (const of of [sources({ a: [0.1], b: [0.2] }), sources({ a: [0.1, 0.2], b: [0.3, undefined] })]) {
      const { rows, meanOver } = resultsTable(of);
      expect([rows.map(({ mean }) => mean), meanOver]).toEqual([[undefined, undefined], []]);
    }
  });

  it('a measure that a run lacks has no value', () => {
    const of = { ...sources({ a: [0.1], b: [0.2] }), measure: 'constructor' };
    expect(standings(of).flat()).toEqual(['–', '–']);
  });
});

describe('significance', () => {
  const of = sources({ a: [0.4, 0.4], b: [0.6, 0.6], c: [0.3, undefined], d: [0.4, 0.4] });
  const columnsOf = new Map([
    ['a', drawnValues(40, 1)],
    ['b', drawnValues(40, 2, 0.7)],
    ['c', drawnValues(40, 3, 0.1)],
    ['d', drawnValues(40, 4)],
  ]);
  const pairs = pairsToMake(of.systems, of.columns, of.baseline);
  const compared = (name: string) => comparePaired(columnsOf.get('a')!, columnsOf.get(name)!);

  it('marks what is better and what is worse, each column corrected by itself', () => {
    const significance = significanceOf(pairs, ({ system }) => compared(system.key), 'column');
    const { rows } = resultsTable(of, significance);
    expect(rows.map(({ cells }) => cells.map(({ mark, pair }) => [mark, pair?.family]))).toEqual([
      [
        ['', undefined],
        ['', undefined],
      ],
      [
        ['†', 3],
        ['†', 2],
      ],
      [
        ['‡', 3],
        ['', undefined],
      ],
      [
        ['', 3],
        ['', 2],
      ],
    ]);
    const whole = significanceOf(pairs, ({ system }) => compared(system.key), 'table');
    const all = holm(['b', 'c', 'd', 'b', 'd'].map((name) => compared(name).randomisation.p));
    const [, b] = of.systems;
    expect(whole(b, of.columns[0])).toMatchObject({ family: 5, adjusted: { randomisation: all[0] } });
  });

  it('tells nothing of a family before it is whole, and leaves out what cannot be compared', () => {
    const [, b, , d] = of.systems;
    const waiting = significanceOf(
      pairs,
      ({ system, column }) => (system === d && column === of.columns[0] ? undefined : compared(system.key)),
      'column',
    );
    expect([waiting(b, of.columns[0]), waiting(b, of.columns[1])?.family]).toEqual([undefined, 2]);
    const failing = significanceOf(
      pairs,
      ({ system }) => (system === d ? new Error('no') : compared(system.key)),
      'column',
    );
    expect([failing(d, of.columns[0]), failing(b, of.columns[0])?.family]).toEqual([undefined, 2]);
  });
});
