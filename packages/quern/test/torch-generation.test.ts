/** Generation on LibTorch beside a loop that keeps nothing from one token to the next. */
import { setImmediate as turn } from 'node:timers/promises';
import { LibTorchError, memory, noGrad, sample, scope, tensor, type Tensor } from '@quern/libtorch';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { QuernError } from '../src/errors.ts';
import { Qwen2Model } from '../src/models/torch/qwen2-model.ts';
import { KeyValueCache } from '../src/models/torch/key-value-cache.ts';
import type { Sampling } from '../src/models/sampling.ts';
import { TokenGenerator } from '../src/models/torch/token-generation.ts';
import type {
  CheckedSettings,
  TokenCompletion,
  TokenGeneratorSettings,
} from '../src/models/torch/token-requests.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

// What new memory holds is undefined. Here it is NaN each time, so that no result can depend on it by luck.
vi.mock('@quern/libtorch', async (original) => {
  const actual = await original<typeof import('@quern/libtorch')>();
  const empty: typeof actual.empty = (...args) => actual.empty(...args).fill_(NaN);
  return { ...actual, empty };
});

const folder = temporaryFolder();
const vocabulary = 300;
let model: Qwen2Model;

beforeAll(async () => {
  if (!hasLibTorch) return;
  await writeTinyCheckpoint(folder, { seed: 3, hidden: 32, intermediate: 64 });
  model = await Qwen2Model.load(folder);
  // The rotations of the first 1,024 places are held from here on.
  scope(() => noGrad(() => void model.hidden(row([1]))));
});
afterAll(() => model?.close());
afterEach(() => void vi.restoreAllMocks());

const mixed: Sampling = {
  temperature: 0.7,
  topK: 40,
  topP: 0.95,
  repetitionPenalty: 1.1,
  maxTokens: 320,
};
const greedy: Sampling = { temperature: 0, topK: 0, topP: 1, repetitionPenalty: 1, maxTokens: 20 };

function row(tokens: readonly number[]): Tensor {
  return tensor(BigInt64Array.from(tokens, BigInt), { shape: [1, tokens.length] });
}

/** Tokens of text, others for each `from`. */
function promptOf(length: number, from = 1): number[] {
  return Array.from({ length }, (_, i) => (from * 31 + i * 7) % 94);
}

type How = Pick<CheckedSettings, 'sampling' | 'endTokens'>;

/** A completion of which each token is drawn after all tokens so far have gone through the model. */
function completedPlainly(
  prompt: readonly number[],
  seed: number,
  { sampling: { maxTokens, ...choice }, endTokens }: How,
): TokenCompletion {
  const tokens: number[] = [];
  const logProbabilities: number[] = [];
  const drawnLogProbabilities: number[] = [];
  for (;;) {
    const sequence = [...prompt, ...tokens];
    const drawn = scope(() =>
      noGrad(() => {
        const last = model.hidden(row(sequence)).narrow(1, sequence.length - 1, 1);
        return sample(model.logits(last).view([1, vocabulary]), {
          ...choice,
          used: tensor(
            Uint8Array.from({ length: vocabulary }, (_, token) => Number(sequence.includes(token))),
          ).view([1, vocabulary]),
          seeds: [seed],
          positions: [tokens.length],
        });
      }),
    );
    const [token] = drawn.tokens;
    tokens.push(token);
    logProbabilities.push(drawn.logProbabilities[0]);
    drawnLogProbabilities.push(drawn.drawnLogProbabilities[0]);
    const finish = endTokens.includes(token) ? 'stop' : tokens.length === maxTokens ? 'length' : undefined;
    if (finish) return { tokens, logProbabilities, drawnLogProbabilities, finish };
  }
}

/** Expects completions to be those of {@link completedPlainly}, one for each seed. */
function expectPlain(found: readonly TokenCompletion[], prompt: number[], seeds: number[], how: How): void {
  expect(found).toHaveLength(seeds.length);
  for (const [i, seed] of seeds.entries()) {
    const wanted = completedPlainly(prompt, seed, how);
    expect(found[i].tokens).toEqual(wanted.tokens);
    expect(found[i].finish).toBe(wanted.finish);
    for (const kind of ['logProbabilities', 'drawnLogProbabilities'] as const) {
      expect(found[i][kind]).toHaveLength(wanted.tokens.length);
      const differences = found[i][kind].map((value, at) => Math.abs(value - wanted[kind][at]));
      expect(Math.max(...differences)).toBeLessThan(1e-4);
    }
  }
}

/** Tensors that are held, and their bytes. */
function held(): { tensors: number; bytes: number } {
  const { tensors, bytes } = memory();
  return { tensors, bytes };
}

/** Lets `work` have a generator, and expects that nothing is held after it that was not before. */
async function withGenerator(
  settings: TokenGeneratorSettings,
  work: (generator: TokenGenerator) => Promise<void>,
): Promise<void> {
  const before = held();
  const generator = new TokenGenerator(model, settings);
  try {
    await work(generator);
  } finally {
    await generator.close();
  }
  expect(held()).toEqual(before);
}

/** How each completion of a call finished, or the code of what it failed with. */
function outcomeOf(call: Promise<TokenCompletion[]>): Promise<unknown> {
  return call.then(
    (found) => found.map(({ finish }) => finish),
    (error: QuernError) => error.code,
  );
}

/** Waits until so many prompt tokens have gone through the model. */
async function promptTokensDone(generator: TokenGenerator, count: number): Promise<void> {
  while (generator.work.promptTokens < count) await turn();
}

describe.skipIf(!hasLibTorch)('generation draws what a loop without a cache draws', () => {
  it('for prompts of many lengths in few rows, past each growth of the cache', async () => {
    const how = { sampling: mixed, endTokens: [42, 299] };
    const requests = [
      { prompt: promptOf(5), seeds: [2, 26, 34] },
      // Longer than what the cache has room for when the rows of the others are in it.
      { prompt: promptOf(150, 2), seeds: [5, 8] },
      { prompt: promptOf(40, 3), seeds: [7, 29] },
    ];
    await withGenerator({ ...how, rows: 4, promptChunk: 64 }, async (generator) => {
      const found = await Promise.all(requests.map((request) => generator.generate(request)));
      for (const [i, { prompt, seeds }] of requests.entries()) expectPlain(found[i], prompt, seeds, how);
      const lengths = found.flat().map(({ tokens }) => tokens.length);
      expect(new Set(lengths).size).toBeGreaterThan(4);
      expect(Math.max(...lengths)).toBeGreaterThan(300);
    });
  });

  it('for rows that are of one length all the time', async () => {
    const how = { sampling: { ...mixed, maxTokens: 140 }, endTokens: [] };
    await withGenerator({ ...how, rows: 2 }, async (generator) => {
      const found = await generator.generate({ prompt: promptOf(4), seeds: [1, 2] });
      expectPlain(found, promptOf(4), [1, 2], how);
    });
  });

  it.each([
    ['the temperature', { temperature: 0.7 }],
    ['top-k', { topK: 5 }],
    ['top-p', { topP: 0.5 }],
    ['the repetition penalty', { repetitionPenalty: 1.5 }],
  ])('by %s alone', async (_, part) => {
    const plain = { ...greedy, temperature: 1 };
    const how = { sampling: { ...plain, ...part }, endTokens: [] };
    await withGenerator({ ...how, rows: 2 }, async (generator) => {
      const found = await generator.generate({ prompt: promptOf(8), seeds: [1, 2, 3] });
      expectPlain(found, promptOf(8), [1, 2, 3], how);
      for (const { logProbabilities, drawnLogProbabilities } of found) {
        expect(drawnLogProbabilities).not.toEqual(logProbabilities);
      }
    });
  });
});

describe.skipIf(!hasLibTorch)('rows of a cache', () => {
  let cache: KeyValueCache;
  /** The tokens of each row. */
  let rows: number[][];

  /** Lets `work` have an empty cache, and expects that nothing is held after it that was not before. */
  function withCache(work: () => void): void {
    const before = held();
    const { layers, keyValueHeads } = model.config;
    cache = new KeyValueCache({ layers, keyValueHeads, headSize: model.headSize, rows: 7 }, model.placement);
    rows = [];
    work();
    cache.dispose();
    expect(held()).toEqual(before);
  }

  function add(prompt: number[], count: number, most?: number): void {
    scope(() =>
      noGrad(() => {
        // One token more than belongs to the rows.
        const { states } = model.hiddenAfter(row([...prompt, 7]), []);
        expect(cache.addRows(states, { length: prompt.length, count, most })).toBe(rows.length);
      }),
    );
    for (let i = 0; i < count; i++) rows.push([...prompt]);
  }

  /** One more token in each row, another in each; compared with the rows as a whole. */
  function step(isCompared = true): void {
    scope(() =>
      noGrad(() => {
        for (const [i, each] of rows.entries()) each.push((each.length * 13 + i * 5) % 94);
        const next = tensor(BigInt64Array.from(rows, (each) => BigInt(each.at(-1)!))).unsqueeze(1);
        const found = model.hiddenOfNext(next, cache);
        expect(found.shape).toEqual([rows.length, 1, 32]);
        expect(cache.lengths).toEqual(rows.map(({ length }) => length));
        if (!isCompared) return;
        for (const [i, each] of rows.entries()) {
          const wanted = model.hidden(row(each)).narrow(1, each.length - 1, 1);
          expect(found.narrow(0, i, 1).sub(wanted).abs().max().item()).toBeLessThan(2e-5);
        }
      }),
    );
  }

  function remove(at: number): void {
    cache.removeRow(at);
    const last = rows.pop()!;
    if (at < rows.length) rows[at] = last;
  }

  it('of one prompt, then of others of other lengths, go on as sequences of their own', () => {
    withCache(() => {
      add(promptOf(5), 3);
      for (let i = 0; i < 3; i++) step();
      add(promptOf(11, 2), 2);
      for (let i = 0; i < 3; i++) step();
      add(promptOf(1, 3), 1);
      step();
      // A row in the middle, then the last one.
      remove(1);
      step();
      remove(rows.length - 1);
      step();
      add(promptOf(8, 4), 3);
      step();
      expect(new Set(cache.lengths).size).toBe(4);
    });
  });

  it('of different lengths go on where room grows amidst them, up to the most that is asked for', () => {
    withCache(() => {
      add(promptOf(120), 2, 150);
      add(promptOf(3, 2), 2, 150);
      expect(cache.capacity).toBe(128);
      for (let i = 0; i < 6; i++) step(i === 0);
      step();
      step();
      step();
      expect(cache.capacity).toBe(150);
      // Rows that are longer than the cache has room for.
      add(promptOf(160, 3), 1, 165);
      step();
      expect(cache.capacity).toBeGreaterThan(160);
    });
  });

  it('come to one length again, and are written in one piece then', () => {
    withCache(() => {
      add(promptOf(6), 2);
      add(promptOf(4, 2), 1);
      step();
      remove(2);
      step();
      add(promptOf(8, 3), 2);
      expect(new Set(cache.lengths)).toEqual(new Set([8]));
      step();
      step();
    });
  });
});

describe.skipIf(!hasLibTorch)('a completion finishes', () => {
  it("with 'stop' at an end token, be it the first, else with 'length'", async () => {
    const sampling = { ...greedy, temperature: 1, maxTokens: 6 };
    // Every third of the tokens of text.
    const how = { sampling, endTokens: Array.from({ length: 31 }, (_, i) => 3 * i) };
    const seeds = Array.from({ length: 24 }, (_, i) => i);
    await withGenerator({ ...how, rows: 5 }, async (generator) => {
      const found = await generator.generate({ prompt: promptOf(6), seeds });
      expectPlain(found, promptOf(6), seeds, how);
      const kinds = found.map(({ tokens, finish }) => `${finish} after ${tokens.length}`);
      expect(kinds).toEqual(
        expect.arrayContaining(['stop after 1', 'stop after 2', 'stop after 6', 'length after 6']),
      );
    });
  });

  it('without a step of the model where each first token ends one', async () => {
    const prompt = promptOf(6);
    let first = -1;
    await withGenerator(
      { sampling: { ...greedy, maxTokens: 1 }, endTokens: [], rows: 2 },
      async (generator) => {
        const [found] = await generator.generate({ prompt, seeds: [1] });
        expect(found).toMatchObject({ finish: 'length', tokens: { length: 1 } });
        [first] = found.tokens;
        expect(generator.work).toEqual({ promptTokens: 6, steps: 0, rowSteps: 0 });
      },
    );
    await withGenerator({ sampling: greedy, endTokens: [299, first], rows: 2 }, async (generator) => {
      const found = await generator.generate({ prompt, seeds: [1, 2, 3, 4, 5] });
      expect(found.map(({ tokens, finish }) => [...tokens, finish])).toEqual(
        Array.from({ length: 5 }, () => [first, 'stop']),
      );
      expect(generator.work).toEqual({ promptTokens: 6, steps: 0, rowSteps: 0 });
    });
  });

  it("with 'early' where its group is ended: what is drawn is kept, and the others go on", async () => {
    const how = { sampling: { ...mixed, maxTokens: 12 }, endTokens: [] };
    const seeds = [1, 2, 3, 4, 5, 6];
    await withGenerator({ ...how, rows: 4 }, async (generator) => {
      const ending = new AbortController();
      let drawn = 0;
      const [found, other] = await Promise.all([
        generator.generate({
          prompt: promptOf(9),
          seeds,
          ending: ending.signal,
          // Four rows of 12 tokens have ended by then, and two have begun.
          onToken: () => void (++drawn === 54 && ending.abort()),
        }),
        generator.generate({ prompt: promptOf(20, 2), seeds: [7] }),
      ]);
      expect(found.map(({ tokens, finish }) => `${finish} ${tokens.length}`)).toEqual([
        ...Array.from({ length: 4 }, () => 'length 12'),
        ...Array.from({ length: 2 }, () => 'early 3'),
      ]);
      for (const [i, { tokens, logProbabilities, drawnLogProbabilities }] of found.entries()) {
        expect(tokens).toEqual(completedPlainly(promptOf(9), seeds[i], how).tokens.slice(0, tokens.length));
        expect(logProbabilities).toHaveLength(tokens.length);
        expect(drawnLogProbabilities).toHaveLength(tokens.length);
      }
      expectPlain(other, promptOf(20, 2), [7], how);
    });
  });

  it("with 'early' and no tokens where it has no row yet", async () => {
    await withGenerator({ sampling: greedy, endTokens: [], rows: 1 }, async (generator) => {
      const ending = new AbortController();
      const found = await generator.generate({
        prompt: promptOf(3),
        seeds: [1, 2],
        ending: ending.signal,
        onToken: () => ending.abort(),
      });
      expect(found.map(({ tokens, finish }) => [tokens.length, finish])).toEqual([
        [1, 'early'],
        [0, 'early'],
      ]);
    });
  });
});

describe.skipIf(!hasLibTorch)('memory is as it was', () => {
  const settings = { sampling: mixed, endTokens: [], rows: 3, promptChunk: 4 };
  const prompt = promptOf(60);

  it.each([
    ['signal', 'ABORTED'],
    ['ending', ['early', 'early']],
  ])('after the %s of a prompt under evaluation', async (kind, wanted) => {
    await withGenerator(settings, async (generator) => {
      const stop = new AbortController();
      const call = generator.generate({ prompt, seeds: [1, 2], [kind]: stop.signal });
      await promptTokensDone(generator, 8);
      stop.abort();
      expect(await outcomeOf(call)).toEqual(wanted);
      expect(generator.work.promptTokens).toBeLessThan(60);
    });
  });

  it.each([
    ['signal', 'ABORTED'],
    ['ending', ['early', 'early', 'early', 'early', 'early']],
  ])('after the %s of completions under way', async (kind, wanted) => {
    await withGenerator(settings, async (generator) => {
      const stop = new AbortController();
      let drawn = 0;
      const call = generator.generate({
        prompt,
        // More than rows, so that the prompt is still held.
        seeds: [1, 2, 3, 4, 5],
        [kind]: stop.signal,
        onToken: () => void (++drawn === 30 && stop.abort()),
      });
      expect(await outcomeOf(call)).toEqual(wanted);
      expect(drawn).toBe(30);
    });
  });

  it.each([
    ['a prompt under evaluation', 8],
    ['completions under way', 60],
  ])('after a close during %s', async (_, count) => {
    await withGenerator(settings, async (generator) => {
      const calls = [1, 2].map((seed) => generator.generate({ prompt, seeds: [seed, 7, 8, 9] }));
      const outcomes = Promise.allSettled(calls);
      await promptTokensDone(generator, count);
      await generator.close();
      for (const outcome of await outcomes) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } });
      }
      await expect(generator.generate({ prompt, seeds: [1] })).rejects.toMatchObject({ code: 'ABORTED' });
    });
  });

  it('but for the cache, once the last completion of a prompt has begun', async () => {
    await withGenerator(settings, async (generator) => {
      const call = generator.generate({ prompt, seeds: [1, 2, 3] });
      while (generator.work.steps < 2) await turn();
      const under = held();
      await call;
      expect(held().tensors).toBe(under.tensors);
    });
  });
});

describe.skipIf(!hasLibTorch)('a call fails', () => {
  const how = { sampling: { ...mixed, maxTokens: 30 }, endTokens: [] };
  const good = { prompt: promptOf(10, 2), seeds: [1, 2] };

  it('alone where its prompt cannot be evaluated', async () => {
    await withGenerator({ ...how, rows: 3, promptChunk: 8 }, async (generator) => {
      const after = model.hiddenAfter.bind(model);
      // The third part of the longer prompt, when the states of two are held.
      vi.spyOn(model, 'hiddenAfter').mockImplementation((tokens, before) => {
        if (before[0]?.keys.size(2) === 16) throw new LibTorchError('OUT_OF_MEMORY', 'no memory is left');
        return after(tokens, before);
      });
      const first = generator.generate(good);
      const bad = generator.generate({ prompt: promptOf(30), seeds: [3, 4] });
      const second = generator.generate(good);
      await expect(bad).rejects.toBeInstanceOf(QuernError);
      await expect(bad).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
      for (const call of [first, second]) expectPlain(await call, good.prompt, good.seeds, how);
    });
  });

  it('alone where its prompt is refused', async () => {
    await withGenerator({ ...how, rows: 3 }, async (generator) => {
      const call = generator.generate(good);
      await expect(generator.generate({ prompt: [vocabulary], seeds: [1] })).rejects.toMatchObject({
        code: 'BAD_INPUT',
      });
      expectPlain(await call, good.prompt, good.seeds, how);
    });
  });

  it.each([
    ['for a prompt', 1],
    ['in a step', 10],
  ])('with all others where the model computes NaN %s, and later calls do not', async (_, tokensBefore) => {
    await withGenerator({ ...how, rows: 3 }, async (generator) => {
      const norm = model.weights.get('model.norm.weight')!;
      const kept = scope(() => norm.toArray());
      let drawn = 0;
      const onToken = (): void => {
        if (++drawn === tokensBefore) norm.fill_(NaN);
      };
      // At last two rows are the first call's, one is the second's, of which two wait, and the third waits whole.
      const calls = [
        generator.generate({ ...good, onToken }),
        generator.generate({ prompt: promptOf(4), seeds: [3, 4, 5] }),
        generator.generate({ prompt: promptOf(5), seeds: [6] }),
      ];
      try {
        for (const outcome of await Promise.allSettled(calls)) {
          expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'BAD_REPLY' } });
        }
      } finally {
        scope(() => void norm.copy_(tensor(Float32Array.from(kept))));
      }
      expectPlain(await generator.generate(good), good.prompt, good.seeds, how);
    });
  });

  it('alone where its own logits are NaN, for the prompt or in a step', async () => {
    await withGenerator({ ...how, rows: 3 }, async (generator) => {
      const logits = model.logits.bind(model);
      let steps = 0;
      let isPrompt = false;
      vi.spyOn(model, 'logits').mockImplementation((hidden) => {
        const found = logits(hidden);
        if (isPrompt && found.shape[0] === 1) found.fill_(NaN);
        // The third row is the second call's.
        else if (found.shape[0] === 3 && ++steps === 4) found.select(0, 2).fill_(NaN);
        return found;
      });
      const call = generator.generate(good);
      await expect(generator.generate({ prompt: promptOf(4), seeds: [3] })).rejects.toMatchObject({
        code: 'BAD_REPLY',
      });
      isPrompt = true;
      await expect(generator.generate({ prompt: promptOf(5), seeds: [3] })).rejects.toMatchObject({
        code: 'BAD_REPLY',
      });
      isPrompt = false;
      expectPlain(await call, good.prompt, good.seeds, how);
      expect(steps).toBe(4);
    });
  });

  it('alone where its onToken throws', async () => {
    await withGenerator({ ...how, rows: 3 }, async (generator) => {
      const defect = new TypeError('a defect of the caller');
      let drawn = 0;
      const call = generator.generate(good);
      const bad = generator.generate({
        prompt: promptOf(4),
        seeds: [3, 4, 5],
        onToken: () => {
          if (++drawn === 5) throw defect;
        },
      });
      await expect(bad).rejects.toBe(defect);
      expectPlain(await call, good.prompt, good.seeds, how);
      expect(drawn).toBe(5);
    });
  });

  it.each([0.5, NaN, Infinity])('alone where a seed is %s', async (seed) => {
    await withGenerator({ ...how, rows: 4 }, async (generator) => {
      const call = generator.generate(good);
      await expect(generator.generate({ prompt: promptOf(4), seeds: [1, seed] })).rejects.toBeInstanceOf(
        QuernError,
      );
      expectPlain(await call, good.prompt, good.seeds, how);
    });
  });
});

describe.skipIf(!hasLibTorch)('a generator is refused', () => {
  it.each([
    ['rows', 0],
    ['rows', 1.5],
    ['rows', NaN],
    ['maxTokens', 0],
    ['maxTokens', 1.5],
    ['maxTokens', 1e9],
    ['promptChunk', 1.5],
    ['temperature', NaN],
    ['topK', -1],
    ['topP', 2],
  ])('for %s of %s', (name, value) => {
    const sampling = { ...greedy, ...(name in greedy && { [name]: value }) };
    const settings = { sampling, endTokens: [], ...(!(name in greedy) && { [name]: value }) };
    expect(() => new TokenGenerator(model, settings)).toThrow(
      expect.objectContaining({ code: 'USAGE', where: name }),
    );
  });
});

describe.skipIf(!hasLibTorch)('in bfloat16', () => {
  let half: Qwen2Model;
  beforeAll(async () => {
    half = await Qwen2Model.load(folder, { dtype: 'bfloat16' });
  });
  afterAll(() => half?.close());

  it('generation takes what a loop without a cache takes, where no other token is as likely', async () => {
    const sampling = { ...greedy, repetitionPenalty: 1, maxTokens: 150 };
    const prompts = [promptOf(5), promptOf(40, 2), promptOf(21, 3)];
    const generator = new TokenGenerator(half, { sampling, endTokens: [], rows: 2, promptChunk: 16 });
    const found = await Promise.all(prompts.map((prompt) => generator.generate({ prompt, seeds: [1] })));
    await generator.close();
    // Logits here are below 16, where numbers of bfloat16 are 1/16 apart; each way to them rounds otherwise.
    const near = 1 / 8;
    const taken: number[] = [];
    const likeliest: number[] = [];
    for (const [i, [{ tokens, logProbabilities }]] of found.entries()) {
      const rows = logProbabilitiesIn(half, [...prompts[i], ...tokens]).slice(prompts[i].length - 1);
      for (const [at, token] of tokens.entries()) {
        const [best, next] = rows[at].toSorted((a, b) => b - a);
        expect(rows[at][token]).toBeGreaterThan(best - near);
        expect(Math.abs(logProbabilities[at] - rows[at][token])).toBeLessThan(near);
        if (best - next < near) continue;
        taken.push(token);
        likeliest.push(rows[at].indexOf(best));
      }
    }
    expect(taken).toEqual(likeliest);
    expect(taken.length).toBeGreaterThan(300);
  });
});

/** After each token, those of all tokens that could be next; a model is causal, so that one pass has them all. */
function logProbabilitiesIn(of: Qwen2Model, tokens: readonly number[]): number[][] {
  return scope(() =>
    noGrad(() => {
      const all = of
        .logits(of.hidden(row(tokens)))
        .logSoftmax(-1, 'float32')
        .select(0, 0);
      return all.unbind(0).map((each) => each.toArray());
    }),
  );
}
