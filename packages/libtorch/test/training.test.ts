/** Gradients, optimisation, and the log-probabilities of tokens. */
import { describe, expect, it } from 'vitest';
import * as lt from '../src/index.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { expectNear, goldenFile, unpacked, type PackedTensor } from './packed-tensors.ts';

const golden = goldenFile<{
  tensors: Record<string, PackedTensor>;
  adamw: {
    options: Required<lt.AdamWOptions>;
    steps: {
      step: number;
      parameters: PackedTensor[];
      means: PackedTensor[];
      squares: PackedTensor[];
      steps: number[];
    }[];
  }[];
}>('operations.json');

const parametersOfGolden = (): lt.Tensor[] =>
  ['x', 'b', 'row'].map((name) => unpacked(golden.tensors[name]).requiresGrad_());

/** As in the oracle. */
function lossOf([x, b, row]: readonly lt.Tensor[], step: number): lt.Tensor {
  const loss = x.mul(2).sub(unpacked(golden.tensors['y'])).square().sum().add(b.pow(4).sum());
  return step % 2 === 0 ? loss.add(row.exp().sum()) : loss;
}

describe.skipIf(!hasLibTorch)('AdamW', () => {
  it.each(golden.adamw)('is what PyTorch computes with $options', ({ options, steps }) => {
    lt.scope(() => {
      const parameters = parametersOfGolden();
      let optimizer = new lt.AdamW(parameters, options);
      for (let step = 0; step < 20; step++) {
        optimizer.zeroGrad();
        lt.scope(() => lossOf(parameters, step).backward());
        optimizer.step();
        const wanted = steps.find((each) => each.step === step);
        for (const i of wanted ? [0, 1, 2] : []) {
          const { step: made, mean, square } = optimizer.state(i)!;
          expectNear(parameters[i], wanted!.parameters[i]);
          expectNear(mean, wanted!.means[i]);
          expectNear(square, wanted!.squares[i]);
          expect(made.item()).toBe(wanted!.steps[i]);
        }
        if (step === 10) {
          // Another optimiser goes on from what was remembered.
          const next = new lt.AdamW(parameters, options);
          for (const i of [0, 1, 2]) next.setState(i, optimizer.state(i)!);
          optimizer.dispose();
          optimizer = next;
        }
      }
      optimizer.dispose();
      expect(optimizer.state(0)).toBeUndefined();
    });
  });

  it('changes parameters and takes gradients that are not in rows', () => {
    lt.scope(() => {
      const [straight, turned] = [lt.randn([3, 4]), lt.zeros([4, 3]).t()];
      turned.copy_(straight);
      const parameters = [straight, turned].map((parameter) => parameter.requiresGrad_());
      const optimizer = new lt.AdamW(parameters, { learningRate: 0.1 });
      for (let step = 0; step < 3; step++) {
        const gradient = lt.randn([4]).expand([3, 4]);
        for (const parameter of parameters) parameter.grad = gradient;
        optimizer.step();
      }
      expect(turned.toArray()).toEqual(straight.toArray());
      optimizer.dispose();
    });
  });

  it('works on bfloat16 and on parameters of several types at once', () => {
    lt.scope(() => {
      const parameters = (['bfloat16', 'float32', 'float64'] as const).map((dtype) =>
        lt.ones([2, 3], { dtype, requiresGrad: true }),
      );
      const optimizer = new lt.AdamW(parameters, { learningRate: 0.125, weightDecay: 0 });
      for (const parameter of parameters) parameter.sum().backward();
      optimizer.step();
      for (const parameter of parameters) {
        for (const value of parameter.toArray()) expect(value).toBeCloseTo(0.875, 2);
      }
      optimizer.dispose();
    });
  });

  it('refuses a learning rate that is no number from 0 before anything is changed', () => {
    lt.scope(() => {
      const x = lt.ones([2], { requiresGrad: true });
      expect(optimizerOf([x], { learningRate: Infinity })).toThrow(/learningRate is a number from 0/);
      const optimizer = new lt.AdamW([x], { learningRate: 0.5 });
      x.sum().backward();
      for (const wrong of [NaN, Infinity, -1]) {
        optimizer.learningRate = wrong;
        expect(() => optimizer.step()).toThrow(code('BAD_ARGUMENT'));
      }
      expect([x.toArray(), optimizer.state(0)]).toEqual([[1, 1], undefined]);
      optimizer.dispose();
    });
  });

  it('takes a state of its own types alone, and is as it was where it refuses one', () => {
    lt.scope(() => {
      const x = lt.ones([2], { dtype: 'bfloat16', requiresGrad: true });
      const optimizer = new lt.AdamW([x]);
      const half = lt.ones([2], { dtype: 'bfloat16' });
      const state = { step: lt.tensor(3), mean: half, square: half };
      const wrong = lt.ones([2]);
      expect(() => optimizer.setState(0, { ...state, square: wrong })).toThrow(code('WRONG_DTYPE'));
      expect(() => optimizer.setState(0, { ...state, step: lt.tensor([3]) })).toThrow(code('BAD_ARGUMENT'));
      expect(optimizer.state(0)).toBeUndefined();
      optimizer.setState(0, state);
      expect(optimizer.state(0)!.step.item()).toBe(3);
      optimizer.dispose();
    });
  });

  it('refuses what it cannot change, and states of another shape as a whole', () => {
    lt.scope(() => {
      const x = lt.ones([2], { requiresGrad: true });
      const of = optimizerOf;
      expect(of([lt.ones([2])])).toThrow(/parameter 0 is no leaf/);
      expect(of([x, x.mul(2)])).toThrow(/parameter 1 is no leaf/);
      expect(of([x, x])).toThrow(/given twice/);
      expect(of(x)).toThrow('AdamW: parameters: a list of tensors is needed');
      expect(of([x], { learningRate: -1 })).toThrow(/learningRate/);
      expect(of([x], { weightDecay: NaN })).toThrow(/weightDecay/);
      expect(of([x], { betas: [0.9, 1] })).toThrow(/betas/);
      const optimizer = new lt.AdamW([x]);
      x.sum().backward();
      optimizer.step();
      const state = { step: lt.tensor(9), mean: lt.ones([2]), square: lt.ones([3]) };
      expect(() => optimizer.setState(0, state)).toThrow(/square of parameter 0 has the shape \[3\]/);
      expect(() => optimizer.setState(1, state)).toThrow(/no such parameter.*from 0 to 0/);
      expect(optimizer.state(0)!.step.item()).toBe(1);
      optimizer.dispose();
    });
  });
});

describe.skipIf(!hasLibTorch)('gradients', () => {
  it('are recorded or not as noGrad and enableGrad say, nested, and after work that throws', () => {
    lt.scope(() => {
      const x = lt.ones([2], { requiresGrad: true });
      const isRecorded = (): boolean => x.mul(2).requiresGrad;
      const thrown = new Error('thrown');
      const throws = (): never => {
        throw thrown;
      };
      expect(isRecorded()).toBe(true);
      lt.noGrad(() => {
        expect(isRecorded()).toBe(false);
        lt.enableGrad(() => {
          expect(isRecorded()).toBe(true);
          expect(lt.noGrad(isRecorded)).toBe(false);
          expect(() => lt.noGrad(throws)).toThrow(thrown);
          expect(isRecorded()).toBe(true);
        });
        expect(() => lt.enableGrad(throws)).toThrow(thrown);
        expect(isRecorded()).toBe(false);
      });
      expect(() => lt.noGrad(async () => throws())).toThrow(/asynchronous/);
      expect(isRecorded()).toBe(true);
    });
  });

  it('of some tensors by others leave the leaves alone', () => {
    lt.scope(() => {
      const [x, y, z] = [2, 3, 4].map((value) => lt.tensor([value], { requiresGrad: true }));
      const product = x.mul(y);
      const square = product.square();
      const [byX, byProduct] = lt.grad([square], [x, product]);
      expect([byX!.item(), byProduct!.item()]).toEqual([36, 12]);
      expect(x.grad).toBeUndefined();
      const two = [x.mul(x), x.mul(y)];
      const gradients = [lt.tensor([10]), lt.tensor([100])];
      expect(lt.grad(two, [x, y], { gradients }).map((each) => each!.item())).toEqual([340, 200]);
      expect(() => lt.grad([x.mul(2)], [z])).toThrow(expect.objectContaining({ code: 'TORCH' }));
      expect(lt.grad([x.mul(2)], [z], { allowUnused: true })).toEqual([undefined]);
      const kept = x.square();
      lt.grad([kept], [x], { retainGraph: true });
      expect(lt.grad([kept], [x])[0]!.item()).toBe(4);
      expect(() => lt.grad([kept], [x])).toThrow(/retainGraph: true/);
    });
  });

  it('add up in the leaves, and can be set and forgotten', () => {
    lt.scope(() => {
      const x = lt.tensor([1, 2], { requiresGrad: true });
      for (let time = 0; time < 3; time++) x.square().backward(lt.tensor([1, 10]));
      expect(x.grad!.toArray()).toEqual([6, 120]);
      x.grad = lt.tensor([5, 6]);
      x.sum().backward();
      expect(x.grad!.toArray()).toEqual([6, 7]);
      x.grad = undefined;
      expect(x.grad).toBeUndefined();
      expect(() => (x.grad = lt.zeros([3]))).toThrow(/does not fit/);
      expect(() => (x.grad = x)).toThrow(/its own gradient/);
      expect(() => x.backward()).toThrow(expect.objectContaining({ code: 'TORCH' }));
      const result = x.mul(2);
      expect([result.isLeaf, result.requiresGrad, result.grad]).toEqual([false, true, undefined]);
      expect(() => result.requiresGrad_(false)).toThrow(/detach/);
      expect(() => lt.arange(0, 3).requiresGrad_()).toThrow(
        expect.objectContaining({ name: 'LibTorchError' }),
      );
    });
  });

  it('are refused of another shape than their outputs, and where there is not one for each', () => {
    lt.scope(() => {
      const x = lt.ones([2, 3], { requiresGrad: true });
      expect(() => x.sum().backward(lt.ones([5, 4]))).toThrow(
        'backward([] float32): a gradient of [5,4] float32 is of another shape than its output, [] float32',
      );
      expect(() => x.backward()).toThrow(/^backward\(\[2,3\] float32\): grad can be implicitly created only/);
      refused([x.mul(2)], [x], { gradients: [lt.ones([3])] });
      refused([x.sum()], [x], { gradients: [] });
      refused([x.sum()], [x], { gradients: [lt.tensor(1), lt.tensor(1)] });
      refused([], []);
      refused([x.sum()], []);
      expect(x.grad).toBeUndefined();
    });
  });

  it('have no gradients of their own, so that no chain of them is freed at once', () => {
    lt.scope(() => {
      const [x, y] = [lt.zeros([1]), lt.ones([1], { requiresGrad: true })];
      expect(() => (x.grad = y)).toThrow(/requires a gradient itself/);
      const link = lt.zeros([1]);
      link.grad = lt.zeros([1]);
      expect(() => (x.grad = link)).toThrow(/has a gradient itself/);
      // From the other end: what is read is not what is kept.
      const gradient = lt.zeros([1]);
      x.grad = gradient;
      gradient.grad = lt.zeros([1]);
      x.grad.grad = lt.zeros([1]);
      expect(x.grad.grad).toBeUndefined();
      x.grad.fill_(3);
      expect([x.grad.item(), gradient.item()]).toEqual([3, 3]);
    });
  });

  it('of a chain of 300,000 tensors are freed without an end of the stack', () => {
    for (const next of [
      (last: lt.Tensor) => last.grad!,
      (last: lt.Tensor) => {
        const gradient = lt.zeros([1]);
        last.grad = gradient;
        return gradient;
      },
    ]) {
      const first = lt.zeros([1]).keep();
      lt.scope(() => {
        let last = first;
        for (let i = 0; i < 300_000; i++) {
          last.grad ??= lt.zeros([1]);
          const following = next(last);
          if (last !== first) last.dispose();
          last = following;
        }
      });
      first.dispose();
    }
    expect(lt.ones([1]).item()).toBe(1);
  });

  it('are refused where a value that they need was written over', () => {
    lt.scope(() => {
      const weight = lt.ones([2]).requiresGrad_();
      const x = lt.tensor([1, 2]);
      const product = weight.mul(x).sum();
      x.writeBytes(0, Float32Array.of(7));
      expect(() => product.backward()).toThrow(/modified by an inplace operation/);
    });
  });
});

const generator = (): lt.Generator => new lt.Generator(4);
const make = (dtype: lt.Dtype = 'float32', rows = 7): lt.Tensor[] => {
  const random = generator();
  const [hidden, weight] = [
    [rows, 6],
    [11, 6],
  ].map((shape) => lt.randn(shape, { generator: random }).to({ dtype }).requiresGrad_());
  const targets = lt.tensor(BigInt64Array.from({ length: rows }, (_, i) => BigInt((i * 5) % 11)));
  const gradient = lt.randn([rows], { generator: random });
  return [hidden, weight, targets, gradient];
};
const plain = (hidden: lt.Tensor, weight: lt.Tensor, targets: lt.Tensor, temperature = 1): lt.Tensor =>
  lt
    .linear(hidden, weight)
    .to({ dtype: 'float32' })
    .div(temperature)
    .logSoftmax(-1)
    .gather(1, targets.unsqueeze(1))
    .squeeze(1);

/** Value, gradient of hidden, gradient of weight. */
function computed(
  given: readonly lt.Tensor[],
  way: (hidden: lt.Tensor, weight: lt.Tensor, targets: lt.Tensor) => lt.Tensor,
  times = 1,
): number[][] {
  const [hidden, weight, targets, gradient] = given;
  hidden.grad = undefined;
  weight.grad = undefined;
  const value = way(hidden, weight, targets);
  for (let time = 1; time <= times; time++) value.backward(gradient, { retainGraph: time < times });
  return [value, hidden.grad!, weight.grad!].map((tensor) => tensor.toArray());
}

function expectClose(found: number[][], wanted: number[][], tolerance: number): void {
  for (const [part, values] of wanted.entries()) {
    expect(found[part]).toHaveLength(values.length);
    const off = values.filter(
      (value, i) => !(Math.abs(found[part][i] - value) <= tolerance * (1 + Math.abs(value))),
    );
    expect(off).toEqual([]);
  }
}

function refused(...of: Parameters<typeof lt.grad>): void {
  expect(() => lt.grad(...of)).toThrow(code('BAD_ARGUMENT'));
}

/** The most bytes that were there beside those before. */
function peakOf(work: () => void): number {
  const before = lt.memory().bytes;
  lt.resetPeakMemory();
  lt.scope(work);
  return lt.memory().peakBytes - before;
}

/** A LibTorchError with that code. */
function code(expected: string): unknown {
  return expect.objectContaining({ name: 'LibTorchError', code: expected });
}

function optimizerOf(parameters: unknown, options?: lt.AdamWOptions): () => lt.AdamW {
  return () => new lt.AdamW(parameters as lt.Tensor[], options);
}

describe.skipIf(!hasLibTorch)('tokenLogProbabilities', () => {
  it.each([
    { chunk: 1, temperature: 1 },
    { chunk: 3, temperature: 1 },
    { chunk: 7, temperature: 0.7 },
    { chunk: 3, temperature: 1.9 },
    { chunk: undefined, temperature: 1.3 },
  ])(
    'is log softmax at the targets: $chunk rows at a time, temperature $temperature',
    ({ chunk, temperature }) => {
      lt.scope(() => {
        const given = make();
        const wanted = computed(given, (...of) => plain(...of, temperature));
        const found = computed(given, (...of) => lt.tokenLogProbabilities(...of, { temperature, chunk }));
        expectClose(found, wanted, 2e-6);
        // Two backward passes through one graph.
        const twice = computed(given, (...of) => lt.tokenLogProbabilities(...of, { temperature, chunk }), 2);
        expectClose(
          twice,
          [wanted[0], ...wanted.slice(1).map((part) => part.map((value) => value * 2))],
          4e-6,
        );
      });
    },
  );

  it.each([1, 3, 7])('has gradients of one side alone, %i rows at a time', (chunk) => {
    lt.scope(() => {
      const given = make();
      const [hidden, weight, targets, gradient] = given;
      const wanted = computed(given, plain);
      for (const [i, part] of [hidden, weight].entries()) {
        part.grad = undefined;
        const other = [hidden, weight][1 - i].detach();
        const of = i === 0 ? ([part, other] as const) : ([other, part] as const);
        lt.tokenLogProbabilities(...of, targets, { chunk }).backward(gradient);
        expectClose([part.grad!.toArray()], [wanted[1 + i]], 2e-6);
      }
      expect(lt.noGrad(() => lt.tokenLogProbabilities(hidden, weight, targets)).requiresGrad).toBe(false);
    });
  });

  it.each([1, 3, 7])(
    'takes bfloat16 and computes beyond the product in float32, %i rows at a time',
    (chunk) => {
      lt.scope(() => {
        const given = make('bfloat16');
        const wanted = computed(given, plain);
        const found = computed(given, (...of) => lt.tokenLogProbabilities(...of, { chunk }));
        expectClose(found.slice(0, 1), wanted.slice(0, 1), 1e-5);
        expectClose(found.slice(1), wanted.slice(1), 3e-2);
        expect(given[0].grad!.dtype).toBe('bfloat16');
      });
    },
  );

  it.each([1, 3, 7])('obeys autocast, %i rows at a time', (chunk) => {
    lt.scope(() => {
      const given = make();
      const wanted = computed(given, (...of) => lt.autocast('bfloat16', () => plain(...of)));
      const found = computed(given, (...of) =>
        lt.autocast('bfloat16', () => lt.tokenLogProbabilities(...of, { chunk })),
      );
      expectClose(found.slice(0, 1), wanted.slice(0, 1), 1e-5);
      expectClose(found.slice(1), wanted.slice(1), 3e-2);
      expect(given[0].grad!.dtype).toBe('float32');
    });
  });

  it('keeps small gradients in float16, which has no room for them as they are', () => {
    lt.scope(() => {
      const random = generator();
      const [rows, vocabulary, width] = [64, 20_000, 32];
      const hidden = lt.randn([rows, width], { generator: random }).requiresGrad_();
      const weight = lt.randn([vocabulary, width], { generator: random }).mul(0.05).requiresGrad_();
      const targets = lt.zeros([rows], { dtype: 'int64' });
      const gradients = (gradient: number, chunk: number): lt.Tensor[] => {
        [hidden.grad, weight.grad] = [undefined, undefined];
        lt.tokenLogProbabilities(hidden, weight, targets, { chunk }).sum().mul(gradient).backward();
        return [hidden.grad!.clone(), weight.grad!.clone()];
      };
      for (const upstream of [1 / 8192, 1e-12, 4]) {
        const wanted = gradients(upstream, rows);
        for (const chunk of [rows, 17]) {
          [hidden.grad, weight.grad] = [undefined, undefined];
          const value = lt.autocast('float16', () =>
            lt.tokenLogProbabilities(hidden, weight, targets, { chunk }),
          );
          value.sum().mul(upstream).backward();
          for (const [i, found] of [hidden.grad!, weight.grad!].entries()) {
            expect(found.sub(wanted[i]).norm().item() / wanted[i].norm().item()).toBeLessThan(5e-3);
          }
          expect(weight.grad!.eq(0).to('float32').mean().item()).toBeLessThan(1e-3);
        }
      }
    });
  });

  it('scales float16 gradients to what it has room for, also of large hidden states and one target', () => {
    lt.scope(() => {
      const random = generator();
      const hidden = lt.randn([64, 8], { generator: random }).abs().mul(900).to('float16').requiresGrad_();
      const weight = lt.randn([500, 8], { generator: random }).mul(1e-2).to('float16').requiresGrad_();
      const targets = lt.zeros([64], { dtype: 'int64' });
      lt.tokenLogProbabilities(hidden, weight, targets, { chunk: 64 }).mean().backward();
      const wide = [hidden, weight].map((each) => each.detach().to('float32').requiresGrad_());
      lt.tokenLogProbabilities(wide[0], wide[1], targets).mean().backward();
      for (const [i, each] of [hidden, weight].entries()) {
        const off = each.grad!.to('float32').sub(wide[i].grad!).norm().item();
        expect(off / wide[i].grad!.norm().item()).toBeLessThan(1e-2);
      }
    });
  });

  it.each(['bfloat16', 'float16'] as const)('adds up gradients of %s weights in float32', (dtype) => {
    lt.scope(() => {
      const random = generator();
      const hidden = lt.randn([512, 16], { generator: random }).to(dtype);
      const weight = lt.randn([50, 16], { generator: random }).to(dtype);
      const targets = lt.zeros([512], { dtype: 'int64' });
      const gradientOf = (h: lt.Tensor, w: lt.Tensor, chunk: number): lt.Tensor => {
        const leaf = w.detach().requiresGrad_();
        lt.tokenLogProbabilities(h, leaf, targets, { chunk }).mean().backward();
        return leaf.grad!.to('float32');
      };
      const wanted = gradientOf(hidden.to('float32'), weight.to('float32'), 512);
      const error = (chunk: number): number =>
        gradientOf(hidden, weight, chunk).sub(wanted).norm().item() / wanted.norm().item();
      // A unit in the last place of a bfloat16 is 1/128 of its value.
      expect(error(512)).toBeLessThan(4e-3);
      expect(error(2)).toBeLessThan(4e-3);
    });
  });

  it('takes float64 and no rows at all', () => {
    lt.scope(() => {
      const [hidden, weight, targets] = make('float64');
      const wide = lt.tokenLogProbabilities(hidden, weight, targets, { chunk: 2 });
      expect(wide.dtype).toBe('float64');
      const [none, matrix, noTargets] = make('float32', 0);
      const nothing = lt.tokenLogProbabilities(none, matrix, noTargets);
      expect(nothing.shape).toEqual([0]);
      nothing.sum().backward();
      expect(matrix.grad!.abs().sum().item()).toBe(0);
    });
  });

  it('refuses what does not fit, targets outside of the vocabulary among it', () => {
    lt.scope(() => {
      const [hidden, weight, targets] = make();
      const of = lt.tokenLogProbabilities;
      expect(() => of(hidden, weight, targets.add(1))).toThrow(/outside the vocabulary of 11/);
      expect(() => of(hidden, weight, targets.sub(1))).toThrow(code('BAD_ARGUMENT'));
      expect(() => of(hidden, weight.narrow(1, 0, 3), targets)).toThrow(/do not fit: \[7,6\]/);
      expect(() => of(hidden, weight, targets.narrow(0, 0, 3))).toThrow(code('BAD_ARGUMENT'));
      expect(() => of(hidden, weight, targets.to({ dtype: 'int32' }))).toThrow(code('WRONG_DTYPE'));
      expect(() => of(hidden, weight, targets, { chunk: 0 })).toThrow(code('BAD_ARGUMENT'));
      expect(() => of(hidden, weight, targets, { temperature: 0 })).toThrow(code('BAD_ARGUMENT'));
      expect(() => of(hidden, weight, undefined as unknown as lt.Tensor)).toThrow(/targets is no tensor/);
    });
  });

  it('holds the logits of one chunk at a time', () => {
    lt.scope(() => {
      const [rows, vocabulary, chunk] = [4096, 512, 64];
      const hidden = lt.randn([rows, 8], { requiresGrad: true });
      const weight = lt.randn([vocabulary, 8], { requiresGrad: true });
      const targets = lt.zeros([rows], { dtype: 'int64' });
      const all = rows * vocabulary * 4;
      const backward = peakOf(() =>
        lt.tokenLogProbabilities(hidden, weight, targets, { chunk }).sum().backward(),
      );
      expect(backward).toBeLessThan(all / 4);
      for (const record of [lt.noGrad, lt.enableGrad]) {
        const whole = peakOf(() =>
          record(() => lt.tokenLogProbabilities(hidden, weight, targets, { chunk: rows })),
        );
        expect(whole / all).toBeLessThan(1.25);
      }
    });
  });
});

/** -Σ p ln p of the tempered logits, row by row, where every p is above 0; of half precision in float32. */
function plainEntropies(hidden: lt.Tensor, weight: lt.Tensor, temperature: number): lt.Tensor {
  const product = lt.linear(hidden, weight);
  const wide = product.dtype === 'float64' ? 'float64' : 'float32';
  const logShares = product.to(wide).div(temperature).logSoftmax(-1);
  return logShares.exp().mul(logShares).sum(-1).neg();
}

describe.skipIf(!hasLibTorch)('tokenLogProbabilitiesAndEntropies', () => {
  const dtypes = ['float32', 'float64', 'bfloat16'] as const;
  const ways = [lt.enableGrad, lt.noGrad].flatMap((record) =>
    [1, 3, 7, 20, undefined].flatMap((chunk) => dtypes.map((dtype) => ({ record, chunk, dtype }))),
  );

  it.each(ways)(
    'has the entropies of the tempered logits: $dtype, $chunk rows at a time, $record.name',
    ({ record, chunk, dtype }) => {
      lt.scope(() => {
        const [hidden, weight, targets] = make(dtype, 19);
        for (const temperature of [1, 0.6, 1.7]) {
          const { logProbabilities, entropies } = record(() =>
            lt.tokenLogProbabilitiesAndEntropies(hidden, weight, targets, { temperature, chunk }),
          );
          const wanted = plainEntropies(hidden, weight, temperature);
          expect([entropies.dtype, entropies.shape]).toEqual([wanted.dtype, [19]]);
          expectClose([entropies.toArray()], [wanted.toArray()], dtype === 'float64' ? 1e-13 : 1e-5);
          const alone = lt.tokenLogProbabilities(hidden, weight, targets, { temperature, chunk });
          expect(logProbabilities.toArray()).toEqual(alone.toArray());
          expect([logProbabilities.requiresGrad, entropies.requiresGrad]).toEqual([
            record === lt.enableGrad,
            false,
          ]);
        }
      });
    },
  );

  it.each([1, 3, 7])('obeys autocast, %i rows at a time', (chunk) => {
    lt.scope(() => {
      const [hidden, weight, targets] = make();
      const { entropies, wanted } = lt.autocast('bfloat16', () => ({
        ...lt.tokenLogProbabilitiesAndEntropies(hidden, weight, targets, { temperature: 0.8, chunk }),
        wanted: plainEntropies(hidden, weight, 0.8),
      }));
      expect(entropies.dtype).toBe('float32');
      expectClose([entropies.toArray()], [wanted.toArray()], 1e-5);
      const exact = plainEntropies(hidden, weight, 0.8);
      expect(entropies.sub(exact).abs().max().item()).toBeGreaterThan(1e-5);
    });
  });

  it.each(ways.filter(({ record }) => record === lt.enableGrad))(
    'has the gradients that there are without entropies, also in a second pass: $dtype, $chunk rows at a time',
    ({ chunk, dtype }) => {
      lt.scope(() => {
        const given = make(dtype, 19);
        const options = { temperature: 0.7, chunk };
        for (const times of [1, 2]) {
          const wanted = computed(given, (...of) => lt.tokenLogProbabilities(...of, options), times);
          const found = computed(
            given,
            (...of) => lt.tokenLogProbabilitiesAndEntropies(...of, options).logProbabilities,
            times,
          );
          expect(found).toEqual(wanted);
          expect(Math.max(...found[1].map(Math.abs), ...found[2].map(Math.abs))).toBeGreaterThan(0.1);
        }
      });
    },
  );

  it('has gradients from a loss that takes the entropies in as numbers', () => {
    lt.scope(() => {
      const [hidden, weight, targets] = make();
      const { logProbabilities, entropies } = lt.tokenLogProbabilitiesAndEntropies(hidden, weight, targets);
      expect(() => entropies.sum().backward()).toThrow(code('TORCH'));
      logProbabilities.mul(entropies).sum().backward();
      const found = [hidden.grad!.toArray()];
      hidden.grad = undefined;
      plain(hidden, weight, targets)
        .mul(plainEntropies(hidden, weight, 1).detach())
        .sum()
        .backward();
      expectClose(found, [hidden.grad!.toArray()], 1e-5);
    });
  });

  it.each([
    ['float32', 1],
    ['float32', 8],
    ['float64', 8],
    ['bfloat16', 3],
  ] as const)(
    'is finite where logits are -∞ or very large, and 0 of a certain token: %s, %i rows at a time',
    (dtype, chunk) => {
      lt.scope(() => {
        // One row for each of these logits.
        const all = [
          [0, -Infinity, -Infinity, -Infinity],
          [5, 5, -Infinity, -Infinity],
          [1e30, 0, -1e30, -Infinity],
          [-1e30, -1e30, -1e30, -1e30],
          [-2e38, 2e38, 0, 1],
          [0, -200, -1000, -Infinity],
          [0, 0, 0, -1000],
        ];
        const wanted = [0, Math.LN2, 0, Math.log(4), 0, 0, Math.log(3)];
        const targets = lt.tensor([0], { dtype: 'int64' });
        for (const record of [lt.enableGrad, lt.noGrad]) {
          const found = all.map((logits) => {
            const weight = lt.tensor(logits, { shape: [4, 1] }).to(dtype);
            const hidden = lt.ones([5, 1], { dtype, requiresGrad: true });
            const { entropies } = record(() =>
              lt.tokenLogProbabilitiesAndEntropies(hidden, weight, targets.expand([5]), { chunk }),
            );
            return entropies.toArray();
          });
          expectClose(
            found,
            wanted.map((value) => Array.from({ length: 5 }, () => value)),
            1e-6,
          );
        }
      });
    },
  );

  it('takes no rows', () => {
    lt.scope(() => {
      for (const dtype of ['float32', 'float64'] as const) {
        const [hidden, weight, targets] = make(dtype, 0);
        const { logProbabilities, entropies } = lt.tokenLogProbabilitiesAndEntropies(hidden, weight, targets);
        for (const each of [logProbabilities, entropies]) {
          expect([each.shape, each.dtype, each.toArray()]).toEqual([[0], dtype, []]);
        }
        logProbabilities.sum().backward();
        expect(weight.grad!.abs().sum().item()).toBe(0);
      }
    });
  });

  it('names itself in what it refuses', () => {
    lt.scope(() => {
      const [hidden, weight, targets] = make();
      const options = { temperatur: 1 } as lt.TokenLogProbabilityOptions;
      expect(() => lt.tokenLogProbabilitiesAndEntropies(hidden, weight, targets, options)).toThrow(
        /^tokenLogProbabilitiesAndEntropies: /,
      );
      expect(() => lt.tokenLogProbabilitiesAndEntropies(hidden, weight, targets.add(1))).toThrow(
        /outside the vocabulary of 11/,
      );
    });
  });

  it('leaves nothing behind, and holds the logits of one chunk at a time', () => {
    lt.scope(() => {
      const [rows, vocabulary, chunk] = [4096, 512, 64];
      const hidden = lt.randn([rows, 8], { requiresGrad: true });
      const weight = lt.randn([vocabulary, 8], { requiresGrad: true });
      const targets = lt.zeros([rows], { dtype: 'int64' });
      const all = rows * vocabulary * 4;
      const before = lt.memory();
      const most = peakOf(() => {
        lt.tokenLogProbabilitiesAndEntropies(hidden, weight, targets, {
          chunk,
        }).logProbabilities.sum();
      });
      expect(most).toBeLessThan(all / 4);
      const whole = peakOf(() => {
        lt.tokenLogProbabilitiesAndEntropies(hidden, weight, targets, { chunk: rows });
      });
      // An eighth of the rows at a time goes through what entropies take beside the logits.
      expect(whole / all).toBeLessThan(1.6);
      expect(lt.memory()).toMatchObject({ bytes: before.bytes, tensors: before.tensors });
    });
  });
});
