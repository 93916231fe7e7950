import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choiceIn, listIn, listText } from '../src/pages/evaluation/choice.ts';
import { gathered } from '../src/pages/evaluation/systems.ts';
import { savedRun } from './evaluation-folders.ts';

const systemsOf = (runs: Parameters<typeof gathered>[0]['runs']) =>
  gathered({ runs }).systems.map(({ key, runs: own }) => [key, [...own.values()].map(({ name }) => name)]);

describe('systems and columns of a list', () => {
  it('runs of one name on several collections are one system', () => {
    const runs = ['one', 'two'].map((collection) =>
      savedRun({ collection, judgements: collection, name: collection }),
    );
    expect(systemsOf(runs)).toEqual([['bm25', ['one', 'two']]]);
    expect(gathered({ runs }).columns.map(({ key }) => key)).toEqual(['one', 'two']);
  });

  it('runs of the same collection by other judgements have a column of their own', () => {
    const runs = [
      savedRun({ name: 'a', split: 'test', judgements: 'aaaaaaaaaaaa' }),
      savedRun({ name: 'b', split: 'dev', judgements: 'bbbbbbbbbbbb' }),
      savedRun({ name: 'c', collection: 'x', judgements: 'cccccccc1111' }),
      savedRun({ name: 'd', collection: 'x', judgements: 'dddddddd1111' }),
    ];
    const { columns, severally } = gathered({ runs });
    expect(columns.map(({ key }) => key)).toEqual([
      'beir:written (dev)',
      'beir:written (test)',
      'x (judgements cccccc)',
      'x (judgements dddddd)',
    ]);
    expect(severally).toEqual(['beir:written', 'x']);
  });

  it('runs of one name on one collection are told apart by how they were made', () => {
    const runs = [
      savedRun({ name: 'a' }),
      savedRun({ name: 'b', parameters: { k1: 1.2, b: 0.4 } }),
      savedRun({ name: 'c', parameters: { k1: 1.2, b: 0.75 }, k: 100 }),
    ];
    expect(systemsOf(runs)).toEqual([
      ['bm25 · k1 0.9 · b 0.4 · k 1000', ['a']],
      ['bm25 · k1 1.2 · b 0.4 · k 1000', ['b']],
      ['bm25 · k1 1.2 · b 0.75 · k 100', ['c']],
    ]);
  });

  it('and by their folders where they were made alike; of several collections by their age', () => {
    const [old, young] = ['2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z'];
    const one = [savedRun({ name: 'old', created: old }), savedRun({ name: 'young', created: young })];
    expect(systemsOf(one)).toEqual([
      ['bm25 · old', ['old']],
      ['bm25 · young', ['young']],
    ]);
    const other = savedRun({ collection: 'other', judgements: 'other', name: 'other' });
    expect(systemsOf([...one, other])).toEqual([
      ['bm25 · newest', ['young', 'other']],
      ['bm25 · older', ['old']],
    ]);
  });

  it('an analyzer that a collection brings does not make another system of it', () => {
    const brought = savedRun({ name: 'b', collection: 'x', judgements: 'x', analyzer: 'english+english' });
    expect(systemsOf([savedRun({ name: 'a' }), brought])).toEqual([['bm25', ['a', 'b']]]);
    const same = savedRun({ name: 'c', analyzer: 'plain' });
    expect(systemsOf([savedRun({ name: 'a' }), same]).map(([key]) => key)).toEqual([
      'bm25 · english',
      'bm25 · plain',
    ]);
  });

  it('what is damaged is none of them', () => {
    const { systems, damaged } = gathered({ runs: [{ id: 'x', name: 'x', problem: 'it is cut' }] });
    expect([systems, damaged.length]).toEqual([[], 1]);
  });
});

describe('what the address chooses', () => {
  const runs = [
    ...['x', 'y'].map((collection) => savedRun({ collection, judgements: collection })),
    savedRun({ run: 'bm25+rm3', reasoner: 'rm3', collection: 'x', judgements: 'x' }),
    savedRun({ run: 'a,b\\', reasoner: 'file:a', collection: 'y', judgements: 'y' }),
  ];
  const of = gathered({ runs });
  const keys = (query: string) => {
    const { columns, systems, baseline, pair, unknown } = choiceIn(new URLSearchParams(query), of)!;
    return {
      columns: columns.map(({ key }) => key),
      systems: systems.map(({ key }) => key),
      baseline: baseline.key,
      pair: pair && [pair.a.key, pair.b?.key, pair.column.key],
      unknown,
    };
  };

  it('is all there is where it says nothing, the baseline without a reasoner first', () => {
    expect(keys('')).toEqual({
      columns: ['x', 'y'],
      systems: ['bm25', 'a,b\\', 'bm25+rm3'],
      baseline: 'bm25',
      pair: ['bm25', 'bm25+rm3', 'x'],
      unknown: [],
    });
  });

  it('is what it names, and what is not there is told', () => {
    const params = {
      collections: 'y',
      systems: listText(['a,b\\', 'bm25', 'gone']),
      baseline: listText(['a,b\\']),
      measure: 'map',
    };
    expect(keys(new URLSearchParams(params).toString())).toEqual({
      columns: ['y'],
      systems: ['a,b\\', 'bm25'],
      baseline: 'a,b\\',
      pair: ['a,b\\', 'bm25', 'y'],
      unknown: ['gone', 'map'],
    });
  });

  it('takes any pair on any collection, and one system alone', () => {
    expect(keys('on=y&a=bm25&b=a%5C%2Cb%5C%5C').pair).toEqual(['bm25', 'a,b\\', 'y']);
    expect(keys('on=x&b=bm25').pair).toEqual(['bm25+rm3', 'bm25', 'x']);
    expect(keys('systems=bm25').pair).toEqual(['bm25', undefined, 'y']);
  });

  it('names survive being a list, whatever they hold', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 })), (names) => {
        expect(listIn(listText(names))).toEqual(names);
      }),
    );
  });
});
