/** Choosing tokens, beside transformers' logits processors and Philox from its definition. */
import { describe, expect, it } from 'vitest';
import * as lt from '../src/index.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { goldenFile } from './packed-tensors.ts';

const golden = goldenFile<{
  cases: {
    logits: number[];
    used: number[];
    temperature: number;
    topK: number;
    topP: number;
    repetitionPenalty: number;
    support: number[];
    logProbabilities: number[];
    drawnLogProbabilities: number[];
  }[];
  streams: { seed: number; position: number; uniform: number }[];
}>('sampling.json');

const plain = { temperature: 1, topK: 0, topP: 1, repetitionPenalty: 1 };
const count = (length: number): number[] => Array.from({ length }, (_, i) => i);

/** What chi-square with so many degrees of freedom exceeds once in 10,000 times (Wilson and Hilferty 1931). */
function criticalValue(degrees: number): number {
  const part = 2 / (9 * degrees);
  return degrees * (1 - part + 3.719 * Math.sqrt(part)) ** 3;
}

/** Of observed against expected counts, with those that are expected less than five times taken together. */
function chiSquare(
  observed: readonly number[],
  expected: readonly number[],
): { value: number; degrees: number } {
  const rare = { observed: 0, expected: 0 };
  const bins: { observed: number; expected: number }[] = [];
  for (const [i, each] of expected.entries()) {
    if (each >= 5) bins.push({ observed: observed[i], expected: each });
    else {
      rare.observed += observed[i];
      rare.expected += each;
    }
  }
  if (rare.expected >= 5) bins.push(rare);
  const value = bins.reduce((sum, bin) => sum + (bin.observed - bin.expected) ** 2 / bin.expected, 0);
  return { value, degrees: Math.max(1, bins.length - 1) };
}

describe.skipIf(!hasLibTorch)('sample', () => {
  it.each(golden.cases)(
    'draws of $logits.length as transformers: temperature $temperature, top $topK, $topP, penalty $repetitionPenalty',
    ({ logits, used, support, logProbabilities, drawnLogProbabilities, ...settings }) => {
      lt.scope(() => {
        const rows = 5000;
        const row = lt.tensor(Float32Array.from(logits));
        const marks = lt.tensor(Uint8Array.from(logits, (_, i) => Number(used.includes(i))));
        const drawn = lt.sample(row.unsqueeze(0).expand([rows, -1]), {
          ...settings,
          used: marks.unsqueeze(0).expand([rows, -1]),
          seeds: count(rows),
          positions: Array.from({ length: rows }, () => 7),
        });
        const places = Array.from(drawn.tokens, (token) => support.indexOf(token));
        expect(places).not.toContain(-1);
        const observed = support.map(() => 0);
        for (const place of places) observed[place]++;
        const off = places.filter(
          (place, i) =>
            !(Math.abs(drawn.logProbabilities[i] - logProbabilities[place]) < 1e-4) ||
            !(Math.abs(drawn.drawnLogProbabilities[i] - drawnLogProbabilities[place]) < 1e-4),
        );
        expect(off).toEqual([]);
        const expected = drawnLogProbabilities.map((each) => rows * Math.exp(each));
        // What is likely enough is drawn; that the shares are as above says that nothing else of weight is in the support.
        expect(expected.filter((each, i) => each > 20 && observed[i] === 0)).toEqual([]);
        const { value, degrees } = chiSquare(observed, expected);
        expect(value).toBeLessThan(criticalValue(degrees));
      });
    },
  );

  it('draws by Philox 4x32-10, whose words stand for the place of a token among equal ones', () => {
    lt.scope(() => {
      const size = 2 ** 20;
      for (const { seed, position, uniform } of golden.streams) {
        const { tokens } = lt.sample(lt.zeros([1, size]), { ...plain, seeds: [seed], positions: [position] });
        expect(tokens[0]).toBe(Math.floor(uniform * size));
      }
    });
  });

  it('draws a row alike, whatever the others are', () => {
    lt.scope(() => {
      const logits = lt.randn([7, 50], { generator: new lt.Generator(2) }).mul(3);
      const used = lt
        .rand([7, 50], { generator: new lt.Generator(3) })
        .gt(0.5)
        .to({ dtype: 'uint8' });
      for (const settings of [
        plain,
        { temperature: 0.8, topK: 9, topP: 0.9, repetitionPenalty: 1.3 },
        { temperature: 2, topK: 0, topP: 0.7, repetitionPenalty: 1 },
      ]) {
        const [seeds, positions] = [count(7).map((i) => i * i - 3), count(7)];
        const together = lt.sample(logits, { ...settings, used, seeds, positions });
        for (const i of count(7)) {
          const alone = lt.sample(logits.narrow(0, i, 1), {
            ...settings,
            used: used.narrow(0, i, 1),
            seeds: [seeds[i]],
            positions: [positions[i]],
          });
          expect(alone.tokens[0]).toBe(together.tokens[i]);
          expect(alone.logProbabilities[0]).toBe(together.logProbabilities[i]);
          expect(alone.drawnLogProbabilities[0]).toBe(together.drawnLogProbabilities[i]);
        }
      }
    });
  });

  it('takes the likeliest at temperature 0, the first of equals, after the penalty', () => {
    lt.scope(() => {
      const logits = lt.tensor([
        [1, 3, 2, 3],
        [-1, -2, -1.5, -9],
      ]);
      const used = lt.tensor(Uint8Array.of(0, 1, 0, 1, 1, 0, 0, 0), { shape: [2, 4] });
      const of = { seeds: [1, 1], positions: [0, 0], topK: 0, topP: 1, temperature: 0 };
      const bare = lt.sample(logits, { ...of, repetitionPenalty: 2 });
      expect([...bare.tokens]).toEqual([1, 0]);
      expect([...bare.drawnLogProbabilities]).toEqual([0, 0]);
      const penalised = lt.sample(logits, { ...of, repetitionPenalty: 2, used });
      expect([...penalised.tokens]).toEqual([2, 2]);
      const own = logits.logSoftmax(1).toArray();
      expect(penalised.logProbabilities[0]).toBeCloseTo(own[2], 5);
    });
  });

  it('draws from as many as top-k says, of those that tie with the last one the smaller ids', () => {
    lt.scope(() => {
      const of = { seeds: count(400), positions: Array.from({ length: 400 }, () => 0) };
      const rows = lt.tensor([[1, 2, 3, 2, 2, -0, 0]]).expand([400, -1]);
      const drawn = (topK: number, logits = rows): number[] =>
        [...new Set(lt.sample(logits, { ...plain, topK, ...of }).tokens)].sort((a, b) => a - b);
      expect(drawn(2)).toEqual([1, 2]);
      expect(drawn(3)).toEqual([1, 2, 3]);
      expect(drawn(6)).toEqual([0, 1, 2, 3, 4, 5]);
      expect(drawn(3, lt.zeros([400, 1000]))).toEqual([0, 1, 2]);
      expect(drawn(3, rows.to('bfloat16'))).toEqual([1, 2, 3]);
    });
  });

  it('takes the fewest of the likeliest that come to top-p, as sorting all of them does', () => {
    lt.scope(() => {
      const random = new lt.Generator(8);
      const of = { seeds: count(200).map((seed) => seed * 3), positions: count(200) };
      for (const [scale, temperature, topP] of [
        [3, 1, 0.95],
        [0.1, 2, 0.5],
        [20, 0.3, 0.9],
        [1, 1, 1 - 1e-12],
        [0, 1, 0.25],
      ]) {
        const row = lt.randn([1, 3000], { generator: random }).mul(scale);
        const values = row.toArray();
        const order = count(values.length).sort((a, b) => values[b] - values[a] || a - b);
        const weights = order.map((id) => Math.exp((values[id] - values[order[0]]) / temperature));
        const mass = topP * weights.reduce((sum, weight) => sum + weight, 0);
        let [length, kept] = [0, 0];
        while (kept < mass && length < order.length) kept += weights[length++];
        const places = new Map(order.map((id, place) => [id, place]));
        const { tokens, drawnLogProbabilities } = lt.sample(row.expand([200, -1]), {
          ...plain,
          temperature,
          topP,
          ...of,
        });
        for (const [i, token] of tokens.entries()) {
          const place = places.get(token)!;
          expect(place).toBeLessThan(length);
          expect(drawnLogProbabilities[i]).toBeCloseTo(Math.log(weights[place] / kept), 3);
        }
      }
    });
  });

  it('never draws what has no probability, nor divides by what is almost nothing', () => {
    lt.scope(() => {
      const logits = lt.tensor([[-Infinity, 1, -Infinity, 0.5, -3.4e38]]).expand([300, -1]);
      const used = lt.ones([300, 5], { dtype: 'uint8' });
      const of = { seeds: count(300), positions: count(300) };
      for (const settings of [
        plain,
        { ...plain, topK: 4 },
        { ...plain, topP: 0.999999 },
        { ...plain, temperature: 1e6 },
        { ...plain, repetitionPenalty: 1e6, used },
        { ...plain, repetitionPenalty: 1e-6, used },
      ]) {
        const { tokens, drawnLogProbabilities } = lt.sample(logits, { ...settings, ...of });
        expect([...new Set(tokens)].sort().filter((token) => token === 0 || token === 2)).toEqual([]);
        expect(drawnLogProbabilities.every((each) => each <= 1e-6)).toBe(true);
      }
      // Down to where its inverse is beyond float32.
      for (const temperature of [1e-30, 1e-40, 1e-310, 5e-324]) {
        const cold = lt.sample(logits, { ...plain, temperature, ...of });
        expect([...new Set(cold.tokens)]).toEqual([1]);
        expect(cold.drawnLogProbabilities.every((each) => each === 0)).toBe(true);
      }
    });
  });

  it('draws from bfloat16, views and no rows at all', () => {
    lt.scope(() => {
      const logits = lt.randn([4, 6], { generator: new lt.Generator(1) }).to({ dtype: 'bfloat16' });
      const of = { ...plain, seeds: [1, 2, 3, 4], positions: [0, 0, 0, 0] };
      const wide = lt.sample(logits.to({ dtype: 'float32' }), of);
      expect(lt.sample(logits, of)).toEqual(wide);
      expect(lt.sample(logits.t().contiguous().t(), of)).toEqual(wide);
      const none = lt.sample(lt.zeros([0, 6]), { ...plain, seeds: [], positions: [] });
      expect(none.tokens).toHaveLength(0);
    });
  });

  it.each([
    ['NaN among logits', [[1, NaN]], {}, 'NOT_FINITE'],
    ['a row without a finite value', [[-Infinity, -Infinity]], {}, 'NOT_FINITE'],
    ['infinity', [[1, Infinity]], {}, 'NOT_FINITE'],
    ['one dimension', [1, 2], {}, 'BAD_ARGUMENT'],
    ['no vocabulary', [[]], {}, 'BAD_ARGUMENT'],
    ['too few seeds', [[1, 2]], { seeds: [] }, 'BAD_ARGUMENT'],
    ['a seed that is no whole number', [[1, 2]], { seeds: [0.5] }, 'BAD_ARGUMENT'],
    ['a position below 0', [[1, 2]], { positions: [-1] }, 'BAD_ARGUMENT'],
    ['a temperature below 0', [[1, 2]], { temperature: -1 }, 'BAD_ARGUMENT'],
    ['half a token', [[1, 2]], { topK: 0.5 }, 'BAD_ARGUMENT'],
    ['a share of nothing', [[1, 2]], { topP: 0 }, 'BAD_ARGUMENT'],
    ['a penalty of 0', [[1, 2]], { repetitionPenalty: 0 }, 'BAD_ARGUMENT'],
  ] as const)('refuses %s', (_, logits, settings, code) => {
    lt.scope(() => {
      expect(() =>
        lt.sample(lt.tensor(logits), { ...plain, seeds: [1], positions: [0], ...settings }),
      ).toThrow(expect.objectContaining({ name: 'LibTorchError', code }));
    });
  });

  it('refuses marks of another shape or type', () => {
    lt.scope(() => {
      for (const used of [lt.zeros([1, 2]), lt.zeros([1, 3], { dtype: 'uint8' })]) {
        expect(() => lt.sample(lt.zeros([1, 2]), { ...plain, used, seeds: [1], positions: [0] })).toThrow(
          /used is uint8 of the shape/,
        );
      }
    });
  });
});
