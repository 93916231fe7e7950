import { describe, expect, it } from 'vitest';
import { comparePaired } from '../../quern/src/evaluate/comparison.ts';
import { pairedSteps } from '../../quern/src/evaluate/paired-comparison.ts';
import { listedTopics } from '../src/pages/evaluation/listed-topics.ts';
import { moveOf, ranksOf, relevantDocuments } from '../src/pages/evaluation/ranking-moves.ts';
import {
  inSlices,
  pairedValues,
  topicPairs,
  type TopicValues,
} from '../src/pages/evaluation/topic-values.ts';
import { drawnValues } from './evaluation-folders.ts';

function of(own: readonly number[], ids = own.map((_, i) => `q${i}`)): TopicValues {
  return { ids, values: new Map([['map', Float64Array.from(own)]]) };
}

describe('topics of two runs', () => {
  it('are paired; what is below a tie is one', () => {
    const pairs = topicPairs(of([0.5, 0.2, 0]), of([0.75, 0.2 + 1e-12, 0]), 'map');
    expect(pairs.map(({ id, difference }) => [id, difference])).toEqual([
      ['q0', 0.25],
      ['q1', 0],
      ['q2', 0],
    ]);
  });

  it('are not paired where they are others, or lack the measure', () => {
    expect(() => pairedValues(of([1]), of([1], ['other']), 'map')).toThrow('not the same');
    expect(() => pairedValues(of([1]), of([1, 0]), 'map')).toThrow('not the same');
    expect(() => pairedValues(of([1]), of([Number.NaN]), 'map')).toThrow('some topics have no map');
    expect(() => pairedValues(of([1]), of([1]), 'ndcg@10')).toThrow('some topics have no ndcg@10');
  });

  it('are listed as they are ordered and narrowed', () => {
    const pairs = topicPairs(of([0, 0.5, 0.5, 0.5]), of([1, 0.5, 0, 0.5]), 'map');
    const ids = (order: 'gain' | 'loss' | 'topic', only: 'all' | 'wins' | 'ties' | 'losses', find = '') =>
      listedTopics(pairs, { order, only, find }).map(({ id }) => id);
    expect(ids('gain', 'all')).toEqual(['q0', 'q1', 'q3', 'q2']);
    expect(ids('loss', 'all')).toEqual(['q2', 'q1', 'q3', 'q0']);
    expect(ids('topic', 'ties')).toEqual(['q1', 'q3']);
    expect([ids('gain', 'wins'), ids('gain', 'losses'), ids('gain', 'all', ' Q3')]).toEqual([
      ['q0'],
      ['q2'],
      ['q3'],
    ]);
  });

  it('are compared in slices to the very same numbers, and can be left alone', async () => {
    const [a, b] = [drawnValues(3000, 1), drawnValues(3000, 2)];
    const { signal } = new AbortController();
    expect(await inSlices(pairedSteps(a, b), signal)).toEqual(comparePaired(a, b));
    expect([...pairedSteps(a, b)].length).toBeGreaterThan(30);
    await expect(inSlices(pairedSteps(a, b), AbortSignal.abort())).rejects.toThrow('aborted');
  });
});

function ranking(...ids: string[]) {
  return ids.map((id, i) => ({ id, rank: i + 1, score: 9 - i }));
}

describe('rankings of one topic', () => {
  const relevant = [
    { id: 'a', level: 1, rank: 3 },
    { id: 'b', level: 2 },
    { id: 'c', level: 1, rank: 120 },
    { id: 'd', level: 1 },
  ];

  it('what moved is told of each document, as far as it is known', () => {
    const other = { ranking: ranking('x', 'y', 'a'), relevant, retrieved: 200 };
    const ranks = ranksOf(other);
    expect([...ranks]).toEqual([
      ['a', 3],
      ['c', 120],
      ['x', 1],
      ['y', 2],
    ]);
    const moves = [
      [1, 'a'],
      [1, 'x'],
      [5, 'y'],
      [2, 'z'],
    ] as const;
    expect(moves.map(([rank, id]) => moveOf(rank, ranks.get(id), other, 'from').words)).toEqual([
      '▲ 2',
      'same',
      '▼ 3',
      'beyond 3',
    ]);
    expect(moveOf(2, undefined, { ...other, retrieved: 3 }, 'from').words).toBe('not there');
    expect(moveOf(1, 3, other, 'to')).toEqual({ otherRank: 3, words: '▼ 2', side: 'down' });
  });

  it('relevant documents are told with what became of them', () => {
    const b = [
      { id: 'b', level: 2, rank: 1 },
      { id: 'a', level: 1, rank: 5 },
      { id: 'c', level: 1 },
      { id: 'd', level: 1 },
    ];
    expect(relevantDocuments({ relevant }, { relevant: b }).map(({ id, words }) => `${id} ${words}`)).toEqual(
      ['b found', 'a ▼ 2', 'c lost', 'd in neither'],
    );
  });
});
