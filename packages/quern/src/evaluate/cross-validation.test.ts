import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bestMean,
  crossValidated,
  foldsOf,
  repeatedlyCrossValidated,
  trainingTopics,
  type Candidate,
  type CrossValidationInput,
} from './cross-validation.ts';

/** Two to twenty topics with the values of one to four candidates; values are eighths, so that sums are exact. */
const inputs: fc.Arbitrary<CrossValidationInput> = fc
  .record({
    topics: fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 20 }),
    count: fc.integer({ min: 1, max: 4 }),
    folds: fc.integer({ min: 2, max: 7 }),
    seed: fc.integer(),
  })
  .chain(({ topics, count, folds, seed }) =>
    fc
      .array(
        fc.array(
          fc.integer({ min: 0, max: 8 }).map((n) => n / 8),
          {
            minLength: topics.length,
            maxLength: topics.length,
          },
        ),
        { minLength: count, maxLength: count },
      )
      .map((all) => ({
        topics,
        folds,
        seed,
        candidates: all.map((values, i) => ({ name: `candidate ${i}`, values })),
      })),
  );

/** An input with its topics in another order. */
function reordered(input: CrossValidationInput, order: readonly number[]): CrossValidationInput {
  return {
    ...input,
    topics: order.map((i) => input.topics[i]),
    candidates: input.candidates.map(({ name, values }) => ({ name, values: order.map((i) => values[i]) })),
  };
}

function meanOver({ values }: Candidate, topics: readonly number[]): number {
  return topics.reduce((sum, topic) => sum + values[topic], 0) / topics.length;
}

describe('foldsOf', () => {
  it('deals every topic into exactly one fold, in sizes that differ by one at most', () => {
    fc.assert(
      fc.property(inputs, ({ topics, folds, seed }) => {
        const dealt = foldsOf(topics, { folds, seed });
        expect(dealt.flat().toSorted((a, b) => a - b)).toEqual(topics.map((_, i) => i));
        const sizes = dealt.map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(dealt).toHaveLength(Math.min(folds ?? 0, topics.length));
      }),
    );
  });

  it('deals differently under another seed, and the same under the same', () => {
    const topics = Array.from({ length: 30 }, (_, i) => `t${i}`);
    expect(foldsOf(topics, { seed: 2 })).toEqual(foldsOf(topics, { seed: 2 }));
    expect(foldsOf(topics, { seed: 2 })).not.toEqual(foldsOf(topics, { seed: 3 }));
  });

  it.each([
    ['one fold', () => foldsOf(['a', 'b'], { folds: 1 }), 'USAGE'],
    ['a seed that is no integer', () => foldsOf(['a', 'b'], { seed: 0.5 }), 'USAGE'],
    ['a single topic', () => foldsOf(['a']), 'BAD_INPUT'],
    ['two topics of one id', () => foldsOf(['a', 'b', 'a']), 'BAD_INPUT'],
  ])('refuses %s', (_, deal, code) => {
    expect(deal).toThrow(expect.objectContaining({ code }));
  });
});

describe('crossValidated', () => {
  it('takes for each topic the candidate that is best on all other folds', () => {
    const topics = ['a', 'b', 'c', 'd'];
    const candidates = [
      { name: 'good for a alone', values: [1, 0, 0, 0] },
      { name: 'good for the others', values: [0, 0.3, 0.3, 0.3] },
    ];
    const { values, timesChosen, mean } = crossValidated({ topics, candidates, folds: 4 });
    expect(values).toEqual([0, 0, 0, 0]);
    expect({ timesChosen, mean }).toEqual({ timesChosen: [3, 1], mean: 0 });
  });

  it('gives ties to the first candidate', () => {
    const values = [0.1, 0.2, 0.3];
    const candidates = ['plain', 'same', 'same again'].map((name) => ({ name, values }));
    const { timesChosen } = crossValidated({ topics: ['a', 'b', 'c'], candidates, folds: 3 });
    expect(timesChosen).toEqual([3, 0, 0]);
  });

  it('does not depend on the order of the topics', () => {
    fc.assert(
      fc.property(inputs, fc.infiniteStream(fc.nat()), (input, keys) => {
        const order = input.topics.map((_, i) => ({ i, key: keys.next().value as number }));
        const places = order.toSorted((a, b) => a.key - b.key).map(({ i }) => i);
        const given = crossValidated(input);
        const other = crossValidated(reordered(input, places));
        expect(other.values).toEqual(places.map((i) => given.values[i]));
        expect(other.timesChosen).toEqual(given.timesChosen);
        expect(other.mean).toBe(given.mean);
      }),
    );
  });

  it('never lets a topic have a say in what is chosen for it', () => {
    fc.assert(
      fc.property(inputs, fc.nat(), fc.float({ noNaN: true, noDefaultInfinity: true }), (input, n, value) => {
        const topic = n % input.topics.length;
        const changed = input.candidates.map((each, i): Candidate => {
          const values = each.values.with(topic, i % 2 === 0 ? value : -value);
          return { ...each, values };
        });
        const chosenFor = (candidates: readonly Candidate[]): number | undefined =>
          crossValidated({ ...input, candidates }).folds.find(({ topics }) => topics.includes(topic))?.chosen;
        expect(chosenFor(changed)).toBe(chosenFor(input.candidates));
      }),
    );
  });

  it('chooses by what it is told to: the fewest tokens among those with 97 % of the best', () => {
    const topics = Array.from({ length: 20 }, (_, i) => `t${i}`);
    const candidates = [
      { name: 'whole', values: topics.map(() => 0.5) },
      { name: 'half', values: topics.map(() => 0.49) },
      { name: 'none', values: topics.map(() => 0.2) },
    ];
    const tokens = [400, 200, 0];
    const choose = (training: readonly number[]): number => {
      const best = meanOver(candidates[bestMean(candidates, training)], training);
      const enough = [0, 1, 2].filter((i) => meanOver(candidates[i], training) >= 0.97 * best);
      return enough.toSorted((a, b) => tokens[a] - tokens[b])[0];
    };
    expect(crossValidated({ topics, candidates, choose }).timesChosen).toEqual([0, 5, 0]);
  });

  it('hands the training topics over in the byte order of their ids, without those held out', () => {
    const topics = ['z', 'a', 'é', 'B'];
    const seen: string[][] = [];
    const candidates = [{ name: 'only', values: [0, 0, 0, 0] }];
    const choose = (training: readonly number[]): number => {
      seen.push(training.map((i) => topics[i]));
      return 0;
    };
    const { folds } = crossValidated({ topics, candidates, folds: 4, choose });
    const all = ['B', 'a', 'z', 'é'];
    expect(seen).toEqual(folds.map((fold) => all.filter((id) => id !== topics[fold.topics[0]])));
    expect(trainingTopics(topics, [0])).toEqual([3, 1, 2]);
  });

  it.each([
    ['no candidates', []],
    ['too few values', [{ name: 'short', values: [1] }]],
    ['values that are not numbers', [{ name: 'broken', values: [1, Number.NaN] }]],
  ])('refuses %s', (_, candidates) => {
    expect(() => crossValidated({ topics: ['a', 'b'], candidates })).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT' }),
    );
  });
});

describe('repeatedlyCrossValidated', () => {
  it('adds up how often each candidate was chosen, and keeps the mean of each seed', () => {
    const topics = Array.from({ length: 10 }, (_, i) => `t${i}`);
    const candidates = [
      { name: 'worse', values: topics.map(() => 0.25) },
      { name: 'better', values: topics.map(() => 0.5) },
    ];
    expect(repeatedlyCrossValidated({ topics, candidates }, [1, 2, 3])).toEqual({
      means: [0.5, 0.5, 0.5],
      timesChosen: [0, 15],
      folds: 15,
    });
  });
});
