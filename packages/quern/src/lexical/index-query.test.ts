import { describe, expect, it } from 'vitest';
import { allTerms, columnsOf, randomCorpus } from '../../test/segment-columns.ts';
import { rankSegments } from './index-query.ts';
import { SegmentSearch } from './segment-search.ts';

const parameters = { k1: 0.9, b: 0.4, averageLength: 22 };

/** Two segments of several blocks each, with deleted documents, and a query for both on a path. */
function twoSegments(path: 'exhaustive' | 'pruned', k: number) {
  const corpora = [32, 31].map((seed) => ({ ...randomCorpus(seed, 30), deleted: [1, 70_000, 70_001] }));
  return {
    searches: corpora.map((corpus) => new SegmentSearch(columnsOf(corpus))),
    settings: { k, parameters, excluded: corpora.map(() => [2, 40_000]) },
    tasks: corpora.map((corpus) => {
      const idf = (term: number): number => Math.log(1e6 / (corpus.postings[term].documents.length + 0.5));
      return { terms: allTerms(corpus, idf), path };
    }),
  };
}

describe('ranking the documents of several segments', () => {
  it.each(['exhaustive', 'pruned'] as const)('leaves out only what cannot be a hit (%s)', (path) => {
    const k = 50;
    const { searches, tasks, settings } = twoSegments(path, k);
    const alone = tasks.map(({ terms }, i) => {
      const excluded = settings.excluded[i];
      return searches[i].run({ terms, k, parameters, floor: 0, excluded, path: 'exhaustive' });
    });
    const together = rankSegments(searches, tasks, settings);
    const best = (rankings: readonly { scores: Float32Array }[]): number[] =>
      rankings
        .flatMap(({ scores }) => [...scores])
        .sort((a, b) => b - a)
        .slice(0, k);
    expect(best(together)).toEqual(best(alone));
    expect(together[0]).toMatchObject({ documents: alone[0].documents, scores: alone[0].scores });
    // The second begins where the first one's k-th score is.
    const floor = alone[0].scores[k - 1];
    expect([...together[1].scores]).toEqual([...alone[1].scores].filter((score) => score >= floor));
    expect(together[1].scores.length).toBeLessThan(k);
  });

  it.each(['exhaustive', 'pruned'] as const)(
    'keeps in a later segment what is just good enough (%s)',
    (path) => {
      const { searches, tasks, settings } = twoSegments(path, 3);
      const all = tasks.map(({ terms }, i) =>
        searches[i].run({ terms, k: 3, parameters, floor: 0, excluded: settings.excluded[i], path }),
      );
      const scores = all.flatMap((each) => [...each.scores]).sort((a, b) => b - a);
      for (const k of [1, 2, 3]) {
        const found = rankSegments(searches, tasks, { ...settings, k }).flatMap((each) => [...each.scores]);
        expect(found.sort((a, b) => b - a).slice(0, k)).toEqual(scores.slice(0, k));
      }
      // The first segment twice: each of its k best is as good as the floor, once.
      const twice = rankSegments([searches[0], searches[0]], [tasks[0], tasks[0]], settings);
      expect([...twice[1].scores]).toEqual([...twice[0].scores]);
    },
  );
});
