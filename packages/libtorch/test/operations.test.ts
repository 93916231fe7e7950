/** Every operation against PyTorch: its values, and its gradients where it has some. */
import { describe, expect, it } from 'vitest';
import * as lt from '../src/index.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { expectNear, expectSame, goldenFile, unpacked, type PackedTensor } from './packed-tensors.ts';

const { Tensor } = lt;
type Tensors = lt.Tensor[];

interface Case {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly results: readonly PackedTensor[];
  readonly gradients?: readonly (PackedTensor | null)[];
}

interface Conversion {
  readonly source: PackedTensor;
  readonly results: readonly PackedTensor[];
}

const golden = goldenFile<{
  tensors: Record<string, PackedTensor>;
  cases: Case[];
  conversions: Conversion[];
  specialConversions: Conversion;
  random: { seed: number; normal: PackedTensor[]; uniform: PackedTensor[]; double: PackedTensor }[];
  clipping: { most: number; norm: number; gradients: PackedTensor[] }[];
  autocast: { linear: PackedTensor; added: PackedTensor; soft: PackedTensor; gradients: PackedTensor[] };
}>('operations.json');

/** What oracles/operations_golden.py computes under the same name. */
const operations: Record<string, (...given: Tensors) => lt.Tensor | Tensors> = {
  add: (x, y) => x.add(y),
  'add, a row': (x, y) => x.add(y),
  'add, a row and a column': (x, y) => x.add(y),
  'add, a view': (x, y) => x.transpose(1, 2).narrow(2, 0, 2).add(y),
  'add, nothing': (x, y) => x.add(y),
  'add, a number': (x) => x.add(2.5),
  'add, integers': (x, y) => x.add(y),
  'add, integers and a number': (x) => x.add(0.5),
  'add, other types': (x, y) => x.add(y),
  sub: (x, y) => x.sub(y),
  'sub, a number': (x) => x.sub(3),
  mul: (x, y) => x.mul(y),
  'mul, a number': (x) => x.mul(-0.3),
  div: (x, y) => x.div(y),
  'div, a number': (x) => x.div(4),
  pow: (x, y) => x.pow(y),
  'pow, a number': (x) => x.pow(3),
  addcmul: (x, y, z) => x.addcmul(y, z),
  'addcmul, of larger ones': (x, y, z) => x.addcmul(y, z),
  'addcmul, a view': (x, y) => {
    const [part, turned] = [x, x.transpose(1, 2)].map((each) => each.narrow(1, 0, 2).narrow(2, 0, 2));
    return part.addcmul(turned, y.narrow(1, 2, 2));
  },
  minimum: (x, y) => x.minimum(y),
  maximum: (x, y) => x.maximum(y),
  clamp: (x) => x.clamp(-0.5, 0.5),
  'clamp, one bound': (x) => x.clamp(undefined, 0.25),
  neg: (x) => x.neg(),
  exp: (x) => x.exp(),
  log: (x) => x.log(),
  sqrt: (x) => x.sqrt(),
  rsqrt: (x) => x.rsqrt(),
  square: (x) => x.square(),
  abs: (x) => x.abs(),
  sin: (x) => x.sin(),
  cos: (x) => x.cos(),
  tanh: (x) => x.tanh(),
  sigmoid: (x) => x.sigmoid(),
  relu: (x) => x.relu(),
  silu: (x) => x.silu(),
  gelu: (x) => x.gelu(),
  'gelu, tanh': (x) => x.gelu('tanh'),
  'exp, a view': (x) => x.permute([2, 0, 1]).exp(),
  'exp, nothing': (x) => x.exp(),
  add_: (x, y) => x.clone().add_(y),
  'add_, a number': (x) => x.clone().add_(1),
  sub_: (x, y) => x.clone().sub_(y),
  'sub_, a number': (x) => x.clone().sub_(0.5),
  mul_: (x, y) => x.clone().mul_(y),
  'mul_, a number': (x) => x.clone().mul_(2),
  div_: (x, y) => x.clone().div_(y),
  'div_, a number': (x) => x.clone().div_(3),
  copy_: (x, y) => x.clone().copy_(y),
  fill_: (x) => x.clone().fill_(2.5),
  zero_: (x) => x.clone().zero_(),
  eq: (x, y) => x.eq(y),
  'eq, a number': (x) => x.eq(4),
  ne: (x, y) => x.ne(y),
  'ne, a number': (x) => x.ne(4),
  lt: (x, y) => x.lt(y),
  'lt, a number': (x) => x.lt(0.5),
  le: (x, y) => x.le(y),
  'le, a number': (x) => x.le(3),
  gt: (x, y) => x.gt(y),
  'gt, a number': (x) => x.gt(0.5),
  ge: (x, y) => x.ge(y),
  'ge, a number': (x) => x.ge(3),
  logicalAnd: (m, x) => m.logicalAnd(x.gt(0)),
  logicalOr: (m, x) => m.logicalOr(x.gt(0)),
  logicalNot: (m) => m.logicalNot(),
  isnan: (x) => x.isnan(),
  isfinite: (x) => x.isfinite(),
  sum: (x) => x.sum(),
  'sum, a dimension': (x) => x.sum(1),
  'sum, dimensions kept': (x) => x.sum([0, -1], true),
  'sum, nothing': (x) => x.sum(0),
  'sum, booleans': (x) => x.sum(),
  mean: (x) => x.mean(),
  'mean, dimensions': (x) => x.mean([1, 2]),
  std: (x) => x.std(),
  'std, a dimension kept': (x) => x.std(1, true, 0),
  max: (x) => x.max(),
  maxAlong: (x) => x.max(1),
  min: (x) => x.min(),
  minAlong: (x) => x.min(-1, true),
  amax: (x) => x.amax([0, 2]),
  any: (x) => x.any(),
  all: (x) => x.all(),
  argmax: (x) => x.argmax(),
  'argmax, a dimension': (x) => x.argmax(1, true),
  argmin: (x) => x.argmin(),
  'argmin, a dimension': (x) => x.argmin(-1),
  logsumexp: (x) => x.logsumexp(1),
  'logsumexp, dimensions kept': (x) => x.logsumexp([0, 2], true),
  norm: (x) => x.norm(),
  'norm, of order 1': (x) => x.norm(1, 1, true),
  'norm, of order infinity': (x) => x.norm(Infinity),
  cumsum: (x) => x.cumsum(1),
  softmax: (x) => x.softmax(1),
  'softmax, in float64': (x) => x.softmax(0, 'float64'),
  'softmax, nothing': (x) => x.softmax(1),
  logSoftmax: (x) => x.logSoftmax(-1),
  topk: (x) => x.topk(2),
  'topk, a dimension': (x) => x.topk(1, 1),
  sort: (x) => x.sort(),
  'sort, equal values': (x) => x.sort(-1, true),
  view: (x) => x.view([6, -1]),
  'reshape, a view': (x) => x.transpose(0, 2).reshape([4, 6]),
  transpose: (x) => x.transpose(0, -1),
  permute: (x) => x.permute([1, 2, 0]),
  t: (x) => x.t(),
  unsqueeze: (x) => x.unsqueeze(-1),
  squeeze: (x) => x.squeeze(1),
  expand: (x) => x.expand([2, -1, 4]),
  repeat: (x) => x.repeat([2, 1, 2]),
  repeatInterleave: (x) => x.repeatInterleave(2, 0),
  contiguous: (x) => x.t().contiguous(),
  flatten: (x) => x.flatten(1),
  split: (x) => x.split(3, -1),
  chunk: (x) => x.chunk(2, 2),
  unbind: (x) => x.unbind(1),
  narrow: (x) => x.narrow(2, 1, 2),
  'narrow, to nothing': (x) => x.narrow(0, 2, 0),
  select: (x) => x.select(1, -1),
  slice: (x) => x.slice(2, 1, undefined, 2),
  'slice, from the end': (x) => x.slice(0, -2),
  roll: (x) => x.roll(2, 1),
  'roll, back': (x) => x.roll(-1, -1),
  'roll, by more than there are': (x) => x.transpose(0, 2).roll(6, 0),
  'roll, nothing': (x) => x.roll(1, 0),
  flip: (x) => x.flip([0, 2]),
  tril: (x) => x.tril(-1),
  triu: (x) => x.triu(1),
  indexSelect: (x, i) => x.indexSelect(2, i),
  gather: (x, i) => x.gather(1, i),
  scatter_: (x, i, y) => x.clone().scatter_(1, i.narrow(1, 0, 1), y.narrow(1, 0, 1)),
  'scatter_, a number': (x, i) => x.clone().scatter_(1, i, 7),
  scatterAdd_: (x, i, y) => x.clone().scatterAdd_(1, i, y.narrow(1, 0, 3)),
  indexCopy_: (x, i, y) => x.clone().indexCopy_(1, i.narrow(0, 0, 2), y.repeat([2, 1, 1]).narrow(1, 0, 2)),
  index: (x, i) => x.index([undefined, i]),
  'index, two dimensions': (x, i) => x.index([undefined, i, i.add(1)]),
  'index, a mask': (x, m) => x.index([m]),
  indexPut_: (x, i, y) => x.clone().indexPut_([i], y),
  'indexPut_, added up': (x, i, y) => x.clone().indexPut_([i], y, true),
  maskedFill: (x, m) => x.maskedFill(m, -1),
  where: (m, x, y) => lt.where(m, x, y),
  matmul: (x, w) => x.matmul(w.t()),
  'matmul, in batches': (x, y) => x.matmul(y),
  'matmul, a row': (x, y) => x.matmul(y),
  'matmul, nothing': (x, w) => x.matmul(w.t()),
  clone: (x) => x.clone(),
  detach: (x) => x.detach(),
  to: (x) => x.to({ dtype: 'float64' }),
  cat: (x, y, z) => lt.cat([x, y, z.unsqueeze(0)]),
  'cat, a dimension': (x, y) => lt.cat([x, y], 1),
  stack: (x, y) => lt.stack([x, y], -1),
  linear: (x, w, b) => lt.linear(x, w, b),
  'linear, without a bias': (x, w) => lt.linear(x, w),
  embedding: (i, w) => lt.embedding(i, w),
  layerNorm: (x, w) => lt.layerNorm(x, w, w.mul(2), 1e-4),
  'layerNorm, bare': (x) => lt.layerNorm(x),
  rmsNorm: (x, w) => lt.rmsNorm(x, w),
  'rmsNorm, bare': (x) => lt.rmsNorm(x, undefined, 1e-3),
  'dropout, not in training': (x) => lt.dropout(x, 0.5, false),
  'dropout, of everything': (x) => lt.dropout(x, 1, true),
  crossEntropy: (x, w, c) => lt.crossEntropy(x.matmul(w.t()), c),
  'crossEntropy, each': (x, w, c) => lt.crossEntropy(x.matmul(w.t()), c, { reduction: 'none' }),
  'crossEntropy, summed': (x, w, c) =>
    lt.crossEntropy(x.matmul(w.t()), c, { reduction: 'sum', ignoreIndex: 4 }),
  attention: (k, v) => lt.scaledDotProductAttention(k, k, v),
  'attention, causal': (k, v) => lt.scaledDotProductAttention(k, v, v, { isCausal: true, scale: 0.7 }),
  'attention, masked': (k, v, mask) => lt.scaledDotProductAttention(k, k, v, { mask }),
  'attention, grouped': (q, k, v) => lt.scaledDotProductAttention(q, k, v, { isGrouped: true }),
  zeros: () => lt.zeros([2, 0, 3]),
  ones: () => lt.ones([2, 3], { dtype: 'int32' }),
  full: () => lt.full([2], 0.1, { dtype: 'float64' }),
  zerosLike: (x) => lt.zerosLike(x),
  onesLike: (x) => lt.onesLike(x),
  eye: () => lt.eye(3),
  arange: () => lt.arange(-2, 9, 3),
  'arange, floats': () => lt.arange(0.5, 2, 0.25, { dtype: 'float32' }),
};

const floats: ReadonlySet<string> = new Set(['float32', 'float64', 'bfloat16', 'float16']);

/** As in the oracle. */
function weightsOf(tensor: lt.Tensor): lt.Tensor {
  const values = Array.from({ length: tensor.numel }, (_, i) => (((i * 7) % 11) - 5) / 5);
  return lt.tensor(Float64Array.from(values), { shape: tensor.shape, dtype: tensor.dtype });
}

describe.skipIf(!hasLibTorch)('operations, beside PyTorch', () => {
  it.each(golden.cases)('$name', ({ name, inputs, results, gradients }) => {
    lt.scope(() => {
      const given = inputs.map((input) => {
        const tensor = unpacked(golden.tensors[input]);
        return floats.has(tensor.dtype) ? tensor.requiresGrad_() : tensor;
      });
      const found = [operations[name](...given)].flat();
      expect(found).toHaveLength(results.length);
      for (const [i, result] of results.entries()) expectNear(found[i], result);
      const recorded = found.filter(({ requiresGrad }) => requiresGrad);
      expect(recorded.length > 0).toBe(gradients !== undefined);
      if (gradients === undefined) return;
      const weighted = recorded.map((result) => result.mul(weightsOf(result)).sum().to({ dtype: 'float64' }));
      lt.stack(weighted).sum().backward();
      expect(given.map(({ grad }) => grad !== undefined)).toEqual(
        gradients.map((gradient) => gradient !== null),
      );
      for (const [i, gradient] of gradients.entries()) {
        if (gradient) expectNear(given[i].grad!, gradient, { absolute: 2e-6 });
      }
    });
  });

  it('has a case for each method of a tensor that computes, and for each function', () => {
    const names = new Set(Object.values(operations).flatMap((f) => String(f).match(/(?<=\.)\w+(?=\()/g)));
    const others = new Set(
      'constructor size dispose keep requiresGrad_ backward item data toArray bytes writeBytes toString'.split(
        ' ',
      ),
    );
    const methods = Object.entries(Object.getOwnPropertyDescriptors(Tensor.prototype)).filter(
      ([name, { value }]) => typeof value === 'function' && !others.has(name),
    );
    expect(methods.map(([name]) => name).filter((name) => !names.has(name))).toEqual([]);
    expect(methods.length).toBeGreaterThanOrEqual(90);
  });

  it('converts between all types bit by bit', () => {
    for (const { source, results } of [...golden.conversions, golden.specialConversions]) {
      lt.scope(() => {
        const given = unpacked(source);
        for (const result of results) {
          const isUnclear = result.dtype === 'uint8' && floats.has(source.dtype);
          const from = isUnclear ? given.abs().clamp(0, 255) : given;
          expectSame(from.to({ dtype: result.dtype }), result);
        }
      });
    }
  });

  it('draws the numbers that PyTorch draws, and goes on from a state that was kept', () => {
    for (const { seed, normal, uniform, double } of golden.random) {
      lt.scope(() => {
        const generator = new lt.Generator(seed);
        for (const packed of normal) expectNear(lt.randn(packed.shape, { generator }), packed);
        const state = generator.state();
        for (let time = 0; time < 2; time++) {
          for (const packed of uniform) expectNear(lt.rand(packed.shape, { generator }), packed);
          expectNear(lt.randn([3, 2], { generator, dtype: 'float64' }), double);
          generator.setState(state);
        }
        generator.manualSeed(seed);
        expectNear(lt.randn([1], { generator }), normal[0]);
        generator.dispose();
        generator.dispose();
        expect(() => lt.randn([1], { generator })).toThrow(expect.objectContaining({ code: 'FREED' }));
      });
    }
  });

  it("draws from the processor's own generator, whose state can be kept too", () => {
    lt.scope(() => {
      const { seed, normal } = golden.random[1];
      lt.manualSeed(seed);
      expectNear(lt.randn([1]), normal[0]);
      const state = lt.generatorState();
      expectNear(lt.randn([5]), normal[1]);
      lt.setGeneratorState(state);
      expectNear(lt.randn([5]), normal[1]);
      expect(() => lt.setGeneratorState(lt.zeros([8]))).toThrow(/is none of this generator/);
      const spread = lt.zeros([1], { dtype: 'uint8' }).expand(state.shape);
      expect(() => lt.setGeneratorState(spread)).toThrow(/these bytes are no state/);
      const torn = lt.fromBytes(new Uint8Array(state.numel).fill(1), state.shape, 'uint8');
      expect(() => lt.setGeneratorState(torn)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
    });
  });

  it('drops about as many values as it is told to, and scales the others', () => {
    lt.scope(() => {
      lt.manualSeed(3);
      const kept = lt.dropout(lt.ones([10_000]), 0.25, true).toArray();
      expect(new Set(kept.map((value) => value.toFixed(4)))).toEqual(new Set(['0.0000', '1.3333']));
      const dropped = kept.filter((value) => value === 0).length;
      expect(Math.abs(dropped - 2500)).toBeLessThan(200);
    });
  });

  it.each(golden.clipping)('clips gradients to a norm of $most', ({ most, norm, gradients }) => {
    lt.scope(() => {
      const [x, b, row] = ['x', 'b', 'row'].map((name) => unpacked(golden.tensors[name]).requiresGrad_());
      x.pow(3).sum().backward();
      b.mul(3).sum().backward();
      expect(lt.clipGradNorm([x, b, row], most)).toBeCloseTo(norm, 4);
      for (const [i, gradient] of gradients.entries()) expectNear([x, b][i].grad!, gradient);
      expect(row.grad).toBeUndefined();
      expect(lt.clipGradNorm([row], most)).toBe(0);
    });
  });

  it('computes the norm of float16 gradients in float32, and leaves what has none as it is', () => {
    lt.scope(() => {
      const x = lt.ones([4], { dtype: 'float16', requiresGrad: true });
      x.grad = lt.full([4], 60_000, { dtype: 'float16' });
      expect(lt.clipGradNorm([x], 120)).toBe(120_000);
      for (const value of x.grad.toArray()) expect(Math.abs(value - 60)).toBeLessThan(0.1);
      const y = lt.ones([2], { requiresGrad: true });
      for (const [value, norm] of [
        [NaN, NaN],
        [-Infinity, Infinity],
      ]) {
        y.grad = lt.tensor([value, 2]);
        expect(lt.clipGradNorm([x, y], 1)).toBe(norm);
        expect(y.grad.toArray()).toEqual([value, 2]);
      }
    });
  });

  it('computes in bfloat16 within autocast, and gives gradients in float32', () => {
    lt.scope(() => {
      const [x, w, b] = ['x', 'w', 'b'].map((name) => unpacked(golden.tensors[name]).requiresGrad_());
      const { linear, added, soft } = lt.autocast('bfloat16', () => {
        const product = lt.linear(x, w, b);
        return { linear: product, added: product.add(b), soft: product.logSoftmax(-1) };
      });
      // Half of the last place of a bfloat16, which machines round differently.
      const tolerance = { absolute: 2e-2, relative: 1e-2 };
      expectNear(linear, golden.autocast.linear, tolerance);
      expectNear(added, golden.autocast.added, tolerance);
      expectNear(soft, golden.autocast.soft, tolerance);
      added.mul(weightsOf(added)).sum().backward();
      for (const [i, gradient] of golden.autocast.gradients.entries()) {
        expectNear([x, w, b][i].grad!, gradient, tolerance);
      }
      expect(lt.linear(x, w).dtype).toBe('float32');
    });
  });

  it('nests autocast, in another type too, and leaves it where work throws', () => {
    lt.scope(() => {
      const [x, w] = ['x', 'w'].map((name) => unpacked(golden.tensors[name]).requiresGrad_());
      lt.autocast('bfloat16', () => {
        expect(lt.linear(x, w).dtype).toBe('bfloat16');
        expect(lt.autocast('float16', () => lt.linear(x, w).dtype)).toBe('float16');
        expect(lt.linear(x, w).dtype).toBe('bfloat16');
        expect(() =>
          lt.autocast('float16', () => {
            throw new Error('no');
          }),
        ).toThrow('no');
        expect(lt.linear(x, w).dtype).toBe('bfloat16');
      });
      expect(lt.linear(x, w).dtype).toBe('float32');
      expect(() => lt.autocast('int64' as 'float16', () => 1)).toThrow(/dtype is bfloat16 or float16/);
      expect(() => lt.autocast('bfloat16', async () => 1)).toThrow(/asynchronous/);
      expect(lt.linear(x, w).dtype).toBe('float32');
    });
  });
});
