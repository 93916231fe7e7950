import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Hit } from '../collections/records.ts';
import { fusedRankings, fusedShares, type Fusion } from './fusion.ts';
import { HybridRetriever, hybridName, hybridNamed } from './hybrid-retriever.ts';
import type { Retriever } from './retriever.ts';

/** A retriever that finds the same for every text, and keeps what it was asked. */
function finding(id: string, scores: Readonly<Record<string, number>>): Retriever & { asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    id,
    asked,
    async search(query, { k, excluded = [] }) {
      asked.push(query);
      const without = new Set(excluded);
      return Object.entries(scores)
        .filter(([name]) => !without.has(name))
        .toSorted(([, a], [, b]) => b - a)
        .slice(0, k)
        .map(([name, score], i): Hit => ({ id: name, score, rank: i + 1 }));
    },
  };
}

const lexical = finding('bm25', { a: 9, b: 5, c: 1 });
const dense = finding('dense:x', { b: 0.9, d: 0.7, a: 0.5 });

describe('a hybrid', () => {
  it('fuses by reciprocal ranks', async () => {
    const hits = await new HybridRetriever([
      { retriever: lexical, weight: 1 },
      { retriever: dense, weight: 1 },
    ]).search('q', { k: 3 });
    expect(hits.map(({ id }) => id)).toEqual(['b', 'a', 'd']);
    expect(hits[0]!.score).toBeCloseTo(1 / 62 + 1 / 61, 6);
    expect(hits[1]!.score).toBeCloseTo(1 / 61 + 1 / 63, 6);
    expect(hits[2]!.score).toBeCloseTo(1 / 62, 6);
  });
  it('interpolates scores between the lowest and the highest of each ranking', async () => {
    const hits = await new HybridRetriever(
      [
        { retriever: lexical, weight: 0.25 },
        { retriever: dense, weight: 0.75 },
      ],
      'interpolate',
    ).search('q', { k: 9 });
    const scores = Object.fromEntries(hits.map(({ id, score }) => [id, score]));
    expect(scores['b']).toBeCloseTo(0.25 * 0.5 + 0.75, 6);
    expect(scores['d']).toBeCloseTo(0.75 * 0.5, 6);
    expect(scores['a']).toBeCloseTo(0.25, 6);
    expect(scores['c']).toBe(0);
  });
  it('passes on what is excluded, and finds the same order however deep it is asked', async () => {
    const hybrid = new HybridRetriever([
      { retriever: lexical, weight: 1 },
      { retriever: dense, weight: 2 },
    ]);
    const all = await hybrid.search('q', { k: 10, excluded: ['b'] });
    expect(all.map(({ id }) => id)).not.toContain('b');
    expect((await hybrid.search('q', { k: 2, excluded: ['b'] })).map(({ id }) => id)).toEqual(
      all.slice(0, 2).map(({ id }) => id),
    );
  });
  it('refuses term weights where no part scores by terms, one part, and weights that are none', async () => {
    const parts = [
      { retriever: dense, weight: 1 },
      { retriever: dense, weight: 1 },
    ];
    const usage = expect.objectContaining({ code: 'USAGE' });
    await expect(new HybridRetriever(parts).search(new Map([['t', 1]]), { k: 1 })).rejects.toThrow(usage);
    expect(() => new HybridRetriever(parts.slice(1))).toThrow(usage);
    for (const weight of [0, -1, NaN, Infinity]) {
      expect(() => new HybridRetriever([...parts, { retriever: dense, weight }])).toThrow(usage);
    }
  });
});

describe('the name of a hybrid', () => {
  it.each([
    ['hybrid:bm25+dense:onnx:a/b', 'rrf', ['bm25', 'dense:onnx:a/b']],
    ['hybrid:rrf:bm25q+dense:openai:m@http://h/a+b', 'rrf', ['bm25q', 'dense:openai:m@http://h/a+b']],
    ['hybrid:interpolate:0.3*query/bm25+0.7*both/dense:onnx:c++', 'interpolate', ['bm25', 'dense:onnx:c++']],
    ['hybrid:dense:onnx:x+reasoned/dense:onnx:y+bm25', 'rrf', ['dense:onnx:x', 'dense:onnx:y', 'bm25']],
  ])('%s is read', (name, fusion, parts) => {
    const named = hybridNamed(name);
    expect(named?.fusion).toBe(fusion);
    expect(named?.parts.map((part) => part.name)).toEqual(parts);
  });
  it('is written as it is read', () => {
    const part = fc.record({
      name: fc.constantFrom('bm25', 'bm25q', 'dense:onnx:a/b', 'dense:openai:m@http://h/v1'),
      weight: fc.constantFrom(1, 0.5, 2, 0.25),
      takes: fc.constantFrom('query', 'reasoned', 'both', undefined),
    });
    const fusions = fc.constantFrom<Fusion>('rrf', 'interpolate');
    fc.assert(
      fc.property(fc.array(part, { minLength: 2, maxLength: 4 }), fusions, (given, fusion) => {
        const parts = given.map(({ takes, ...rest }) => (takes === undefined ? rest : { ...rest, takes }));
        expect(hybridNamed(hybridName(parts as never, fusion))).toEqual({ parts, fusion });
      }),
    );
  });
  it.each([
    'hybrid:',
    'hybrid:bm25',
    'hybrid:bm25+',
    'hybrid:bm25+x',
    'hybrid:0*bm25+bm25q',
    'hybrid:dense:+bm25',
  ])('%s is refused', (name) => {
    expect(() => hybridNamed(name)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
  it('is none of another retriever', () => {
    expect(hybridNamed('bm25')).toBeUndefined();
    expect(hybridNamed('dense:hybrid:x')).toBeUndefined();
  });
});

describe('fused rankings', () => {
  const ranking = fc
    .uniqueArray(fc.record({ id: fc.constantFrom(...'abcdefgh'), score: fc.integer({ min: -9, max: 9 }) }), {
      selector: ({ id }) => id,
    })
    .map((hits) =>
      hits.toSorted((a, b) => b.score - a.score).map((hit, i): Hit => ({ ...hit, rank: i + 1 })),
    );
  const weighted = fc.array(fc.record({ hits: ranking, weight: fc.constantFrom(0.5, 1, 3) }), {
    minLength: 1,
    maxLength: 4,
  });
  it.each<Fusion>(['rrf', 'interpolate'])('by %s have shares that add up to their scores', (fusion) => {
    fc.assert(
      fc.property(weighted, (rankings) => {
        const shares = fusedShares(rankings, fusion);
        const fused = fusedRankings(rankings, fusion, 100);
        expect(new Set(fused.map(({ id }) => id))).toEqual(
          new Set(rankings.flatMap(({ hits }) => hits.map(({ id }) => id))),
        );
        for (const { id, score } of fused) {
          expect(shares(id).reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(score, 5);
        }
      }),
    );
  });
});
