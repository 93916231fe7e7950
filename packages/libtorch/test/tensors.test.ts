/** Making, reading and freeing tensors. */
import { inspect } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import * as lt from '../src/index.ts';
import { hasLibTorch } from './has-libtorch.ts';

const code = (wanted: string) => expect.objectContaining({ name: 'LibTorchError', code: wanted });
const bad = <T>(value: unknown): T => value as T;
const alive = (): number => lt.memory().tensors;

const isRecorded = (): boolean => lt.scope(() => lt.ones([1], { requiresGrad: true }).mul(2).requiresGrad);

function forever(tensor: lt.Tensor): never {
  for (;;) tensor.numel.toString();
}

const shown = (values: lt.Values, options = {}): string => inspect(lt.tensor(values, options));

function factsOf(values: lt.Values, options = {}): unknown[] {
  const made = lt.tensor(values, options);
  return [made.dtype, made.shape, made.toArray()];
}

describe.skipIf(!hasLibTorch)('scope', () => {
  it('frees what is made in it, and not what it returns, in lists, sets, maps and objects', () => {
    const before = alive();
    const outside = lt.zeros([1]);
    let inner: lt.Tensor | undefined;
    const kept = lt.scope(() => {
      inner = lt.zeros([2]);
      return {
        list: [lt.zeros([1]), [lt.zeros([2])]],
        map: new Map([['a', { deep: lt.zeros([3]) }]]),
        set: new Set([lt.zeros([4])]),
        outside,
        others: [1, 'two', null, undefined, new Float32Array(3), () => lt.zeros],
      };
    });
    expect(inner!.isFreed).toBe(true);
    const returned = [kept.list.flat(), kept.map.get('a')!.deep, ...kept.set].flat();
    expect(returned.map(({ isFreed }) => isFreed)).toEqual([false, false, false, false]);
    expect(alive()).toBe(before + 5);
    for (const tensor of [...returned, outside]) tensor.dispose();
    expect(alive()).toBe(before);
  });

  it('hands what is returned to the scope around, which frees it', () => {
    const before = alive();
    lt.scope(() => {
      const inner = lt.scope(() => [lt.zeros([1]), lt.zeros([1])]);
      expect(alive()).toBe(before + 2);
      expect(inner[1].isFreed).toBe(false);
    });
    expect(alive()).toBe(before);
  });

  it('lets live what keep() was called of, also from far inside and where the work throws', () => {
    const before = alive();
    let kept: lt.Tensor | undefined;
    expect(() =>
      lt.scope(() => {
        const early = lt.zeros([1]);
        lt.scope(() => {
          lt.zeros([5]);
          kept = early.keep();
          throw new Error('inside');
        });
      }),
    ).toThrow('inside');
    expect(kept!.isFreed).toBe(false);
    expect(alive()).toBe(before + 1);
    kept!.keep().dispose();
    expect(alive()).toBe(before);
  });

  it('refuses asynchronous work, and frees what it had made until then', async () => {
    const before = alive();
    let resume: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => (resume = resolve));
    expect(() =>
      lt.scope(async () => {
        lt.zeros([3]);
        await gate;
        throw new Error('nobody waits for this');
      }),
    ).toThrow(/asynchronous.*Await outside/);
    expect(alive()).toBe(before);
    resume!();
    await gate;
  });

  it('is left where a full stack or a time limit ends its work', async () => {
    const before = alive();
    const deeper = (): unknown => lt.scope(() => lt.noGrad(deeper));
    expect(deeper).toThrow(RangeError);
    expect(alive()).toBe(before);
    lt.zeros([1]).dispose();
    expect(isRecorded()).toBe(true);
    const context = createContext({
      endless: () => lt.scope(() => lt.noGrad(() => lt.autocast('bfloat16', () => forever(lt.zeros([1]))))),
    });
    expect(() => runInContext('endless()', context, { timeout: 20 })).toThrow(/timed out/);
    await Promise.resolve();
    expect(alive()).toBe(before);
    expect(isRecorded()).toBe(true);
    expect(lt.scope(() => lt.ones([2, 2]).matmul(lt.ones([2, 2])).dtype)).toBe('float32');
  });

  it('takes results that hold themselves, or hold much', () => {
    const before = alive();
    interface Loop {
      self?: Loop[];
      tensor?: lt.Tensor;
      next?: Loop;
    }
    const loop = lt.scope(() => {
      const made: Loop = { tensor: lt.zeros([1]) };
      made.self = [made, made, made];
      return made;
    });
    expect(loop.tensor!.isFreed).toBe(false);
    loop.tensor!.dispose();
    const chain = lt.scope(() => {
      let last: Loop = { tensor: lt.zeros([1]) };
      for (let i = 0; i < 100_000; i++) last = { next: last, self: [last] };
      return last;
    });
    expect(alive()).toBe(before + 1);
    let last = chain;
    while (last.next) last = last.next;
    last.tensor!.dispose();
  });

  it('frees all where what is returned cannot be looked through', () => {
    const before = alive();
    expect(() =>
      lt.scope(() => ({
        made: lt.zeros([1]),
        get broken(): number {
          throw new Error('broken');
        },
      })),
    ).toThrow('broken');
    expect(alive()).toBe(before);
  });

  it('frees what was freed before only once', () => {
    lt.scope(() => {
      const x = lt.zeros([2]);
      x.dispose();
      x.dispose();
      x[Symbol.dispose]();
      const y = lt.ones([2]);
      x.dispose();
      expect(y.toArray()).toEqual([1, 1]);
      expect(String(x)).toBe('Tensor(freed)');
    });
  });
});

describe.skipIf(!hasLibTorch)('tensors', () => {
  it('share memory with their views, and hold it as long as one of them lives', () => {
    lt.scope(() => {
      const before = lt.memory().bytes;
      const x = lt.zeros([1000]);
      const view = x.view([10, 100]).select(0, 3);
      x.fill_(2);
      expect(view.sum().item()).toBe(200);
      view.mul_(2);
      expect(x.sum().item()).toBe(2200);
      x.dispose();
      expect(lt.memory().bytes - before).toBeGreaterThanOrEqual(4000);
      expect(view.toArray().every((value) => value === 4)).toBe(true);
      view.dispose();
    });
  });

  it('say what they are', () => {
    lt.scope(() => {
      const x = lt.zeros([2, 3], { dtype: 'bfloat16', requiresGrad: true });
      const facts = [x.shape, x.dim, x.numel, x.dtype, x.device, x.isLeaf, x.requiresGrad, x.size(-1)];
      expect(facts).toEqual([[2, 3], 2, 6, 'bfloat16', 'cpu', true, true, 3]);
      expect([x.isContiguous, x.t().isContiguous]).toEqual([true, false]);
      expect(String(x)).toBe('Tensor([2,3] bfloat16, requires grad)');
      expect(inspect(x.detach())).toBe('Tensor([2,3] bfloat16) [[0, 0, 0], [0, 0, 0]]');
      expect(() => x.size(2)).toThrow(code('BAD_ARGUMENT'));
      expect(() => x.size(0.5)).toThrow(code('BAD_ARGUMENT'));
    });
  });

  it('are made of lists and typed arrays, and read back', () => {
    lt.scope(() => {
      const of = factsOf;
      expect(of(3)).toEqual(['float32', [], [3]]);
      expect(of([])).toEqual(['float32', [0], []]);
      expect(of([[], []])).toEqual(['float32', [2, 0], []]);
      expect(of([[1], [2.5]])).toEqual(['float32', [2, 1], [1, 2.5]]);
      expect(of([true, false])).toEqual(['bool', [2], [1, 0]]);
      expect(of([2 ** 24 + 1], { dtype: 'int64' })).toEqual(['int64', [1], [2 ** 24 + 1]]);
      expect(of([2 ** 24 + 1, 0.1], { dtype: 'float64' })).toEqual(['float64', [2], [2 ** 24 + 1, 0.1]]);
      expect(of([2 ** 25])).toEqual(['float32', [1], [2 ** 25]]);
      expect(of([0, 0.5, -1], { dtype: 'bool' })).toEqual(['bool', [3], [0, 1, 1]]);
      expect(of(Int32Array.of(1, 2, 3, 4), { shape: [2, 2] })).toEqual(['int32', [2, 2], [1, 2, 3, 4]]);
      expect(of(BigInt64Array.of(2n ** 62n))).toEqual(['int64', [1], [2 ** 62]]);
      expect(of(new Float64Array([1, 2, 3]).subarray(1))).toEqual(['float64', [2], [2, 3]]);
      expect(of(Uint8Array.of(9))).toEqual(['uint8', [1], [9]]);
      expect(lt.tensor(BigInt64Array.of(-(2n ** 62n) - 1n)).data()).toEqual(
        BigInt64Array.of(-(2n ** 62n) - 1n),
      );
      expect(lt.tensor([0.1], { dtype: 'float16' }).data()).toBeInstanceOf(Float32Array);
      expect(lt.tensor([1.5], { requiresGrad: true }).requiresGrad).toBe(true);
      expect(
        lt
          .rand([100])
          .toArray()
          .every((value) => value >= 0 && value < 1),
      ).toBe(true);
      expect(lt.empty([2, 0]).numel).toBe(0);
    });
  });

  it('refuse values that are no numbers or of no one shape', () => {
    const loop: unknown[] = [];
    loop.push(loop);
    for (const values of [
      [[1], [1, 2]],
      [1, [2]],
      [[[1]], 2],
      [[1], 2],
      ['a'],
      [null],
      loop,
      new DataView(new ArrayBuffer(4)),
      {},
      1n,
    ]) {
      expect(() => lt.tensor(bad(values))).toThrow(code('BAD_ARGUMENT'));
    }
    for (const [value, dtype] of [
      [300, 'uint8'],
      [-1, 'uint8'],
      [NaN, 'int64'],
      [1.5, 'int64'],
      [2 ** 31, 'int32'],
    ] as const) {
      expect(() => lt.tensor([value], { dtype })).toThrow(
        `tensor: ${value} is no number of the type ${dtype}`,
      );
    }
    expect(() => lt.tensor(Float32Array.of(1, 2, 3), { shape: [2] })).toThrow(
      /12 bytes, and its shape and type need 8/,
    );
    expect(() => lt.fromBytes(new Uint8Array(8), [2 ** 40, 2 ** 40], 'float32')).toThrow(/need more than/);
    expect(() => lt.fromBytes(new Uint8Array(0), [-1], 'float32')).toThrow(code('BAD_ARGUMENT'));
    expect(() => lt.fromBytes(new Uint8Array(4), [1], bad('float128'))).toThrow(/dtype is one of/);
  });

  it('show their first values, in the lists of their shape', () => {
    lt.scope(() => {
      expect(shown(2)).toBe('Tensor([] float32) 2');
      expect(shown([])).toBe('Tensor([0] float32) []');
      expect(shown([1 / 3, 2], { dtype: 'bfloat16' })).toBe('Tensor([2] bfloat16) [0.33398, 2]');
      expect(inspect(lt.arange(0, 100))).toMatch(/^Tensor\(\[100\] int64\) \[0, 1, .*23, …\]$/);
      expect(inspect(lt.arange(0, 6).view([3, 2]).t())).toBe('Tensor([2,3] int64) [[0, 2, 4], [1, 3, 5]]');
      expect(inspect(lt.zeros([2, 0]))).toBe('Tensor([2,0] float32) [[], []]');
      expect(inspect(lt.zeros([3, 20]))).toMatch(/0\], \[0, 0, 0, 0, …\], …\]$/);
      const freed = lt.zeros([1]);
      freed.dispose();
      expect(inspect(freed)).toBe('Tensor(freed)');
    });
  });

  it('move by the name of a type or a device', () => {
    lt.scope(() => {
      const x = lt.ones([1]);
      expect([x.to('int64').dtype, x.to('cpu').device, x.to({}).dtype]).toEqual(['int64', 'cpu', 'float32']);
      expect(() => x.to('float')).toThrow('to: "float" is neither a type nor a device. Types are');
      expect(() => x.to('cuda:63')).toThrow(code('NO_DEVICE'));
    });
  });

  it('are what this package made, and nothing that looks like it', () => {
    const x = lt.zeros([2]);
    for (const like of [Object.create(lt.Tensor.prototype), new Proxy(x, {}), { handle: x.handle }]) {
      const fake = like as lt.Tensor;
      expect(() => lt.layerNorm(fake)).toThrow(code('BAD_ARGUMENT'));
      expect(() => x.add(fake)).toThrow(code('BAD_ARGUMENT'));
      expect(() => lt.cat([fake])).toThrow('cat: an item is no tensor');
    }
    expect(() => (Object.create(lt.Tensor.prototype) as lt.Tensor).shape).toThrow(code('BAD_ARGUMENT'));
    expect(() => ((x.shape as number[])[0] = 99)).toThrow(TypeError);
    x.dispose();
  });

  it('refuse more values than a list can have', () => {
    const row = Array.from({ length: 8192 }, () => 1);
    const rows = Array.from({ length: 16_384 }, () => row);
    expect(() => lt.tensor(rows)).toThrow(/lists of 134217728 values are too long. Give a typed array/);
    const wide = lt.zeros([1]).expand([2 ** 27]);
    expect(() => wide.toArray()).toThrow(/too many for a list/);
    wide.dispose();
  });

  it('are written over in part', () => {
    lt.scope(() => {
      const x = lt.zeros([4]);
      x.writeBytes(4, Float32Array.of(5, 6));
      expect(x.toArray()).toEqual([0, 5, 6, 0]);
      expect([...x.bytes().subarray(4, 8)]).toEqual([0, 0, 160, 64]);
      expect(() => x.writeBytes(12, Float32Array.of(5, 6))).toThrow(/beyond the 16/);
      expect(() => x.writeBytes(-1, Uint8Array.of(1))).toThrow(code('BAD_ARGUMENT'));
      expect(() => x.view([2, 2]).t().writeBytes(0, Uint8Array.of(1))).toThrow(/not contiguous/);
      expect(() => lt.ones([1], { dtype: 'bool' }).writeBytes(0, Uint8Array.of(2))).toThrow(
        code('WRONG_DTYPE'),
      );
    });
  });

  it('give one value where they have one', () => {
    lt.scope(() => {
      expect(lt.tensor([[7.5]]).item()).toBe(7.5);
      expect(lt.tensor(true).item()).toBe(1);
      expect(lt.tensor(BigInt64Array.of(2n ** 60n)).item()).toBe(2 ** 60);
      expect(() => lt.zeros([2]).item()).toThrow(/has not one value/);
    });
  });

  it('throw errors that say what was called with what, and that programs can tell apart', () => {
    lt.scope(() => {
      const x = lt.zeros([2, 3]);
      expect(() => x.matmul(x)).toThrow(/^matmul\(\[2,3\] float32, \[2,3\] float32\): /);
      expect(() => x.matmul(x)).toThrow(code('TORCH'));
      expect(() => x.add(bad('1'))).toThrow(code('BAD_ARGUMENT'));
      expect(() => lt.zeros([2 ** 50])).toThrow(code('OUT_OF_MEMORY'));
      expect(() => lt.zeros([3], { device: 'cuda:63' })).toThrow(code('NO_DEVICE'));
      expect(() => lt.zeros([3], { device: 'gpu' })).toThrow(code('BAD_ARGUMENT'));
      expect(() => x.to(bad(undefined))).not.toThrow();
      expect(() => lt.crossEntropy(lt.Tensor.prototype, lt.arange(0, 3))).toThrow(code('BAD_ARGUMENT'));
      x.dispose();
      expect(() => x.exp()).toThrow(code('FREED'));
      expect(() => x.dtype).toThrow(code('FREED'));
      expect(() => new lt.Tensor(bad('1'))).toThrow(code('BAD_ARGUMENT'));
      for (const work of [undefined, 5, {}]) {
        for (const f of [lt.scope, lt.noGrad, lt.enableGrad, (w: () => 1) => lt.autocast('bfloat16', w)]) {
          expect(() => f(bad(work))).toThrow(code('BAD_ARGUMENT'));
        }
      }
    });
  });

  it('refuse other types with a code of their own', () => {
    lt.scope(() => {
      const [x, wide, whole] = [lt.ones([2, 2]), lt.ones([2, 2], { dtype: 'float64' }), lt.arange(0, 4)];
      const wrong: (() => unknown)[] = [
        () => x.matmul(wide),
        () => lt.linear(x, wide),
        () => whole.mean(),
        () => lt.embedding(x, x),
        () => x.gather(0, x),
        () => x.indexSelect(0, lt.ones([2])),
        () => x.clone().scatterAdd_(0, lt.zeros([2, 2], { dtype: 'int64' }), wide),
        () => x.clone().indexPut_([lt.arange(0, 2)], wide),
        () => whole.add_(0.5),
        () => whole.requiresGrad_(),
      ];
      for (const call of wrong) expect(call).toThrow(code('WRONG_DTYPE'));
    });
  });

  it('are of the type that is named, and null names none', () => {
    expect(() => lt.zeros([1], { dtype: bad(null) })).toThrow(/dtype is one of float32/);
    expect(() => lt.ones([1]).softmax(0, bad(null))).toThrow(code('BAD_ARGUMENT'));
  });

  it('have at most 64 dimensions', () => {
    lt.scope(() => {
      const sizes = Array.from({ length: 65 }, () => 1);
      const x = lt.ones([1]);
      for (const call of [
        () => lt.zeros(sizes),
        () => x.view(sizes),
        () => x.reshape(sizes),
        () => x.expand(sizes),
        () => x.repeat(sizes),
        () => lt.fromBytes(new Uint8Array(1), sizes, 'uint8'),
      ]) {
        expect(call).toThrow(code('BAD_ARGUMENT'));
        expect(call).toThrow('is a list of 65, and a tensor has at most 64 dimensions');
      }
      expect(lt.zeros(sizes.slice(1)).add(1).dim).toBe(64);
    });
  });

  it('are not cut into more pieces than anybody can hold', () => {
    lt.scope(() => {
      const rows = lt.zeros([1]).expand([2 ** 25]);
      for (const call of [
        () => lt.zeros([0]).chunk(2 ** 28),
        () => rows.chunk(2 ** 25),
        () => rows.unbind(),
        () => rows.split(1),
      ]) {
        expect(call).toThrow(code('BAD_ARGUMENT'));
        expect(call).toThrow(/one call returns at most 1048576/);
      }
      const few = [rows.split(2 ** 24), rows.chunk(3), lt.zeros([3]).chunk(2 ** 28), lt.zeros([0]).split(0)];
      expect(few.map(({ length }) => length)).toEqual([2, 3, 3, 1]);
    });
  });

  it('are not made of memory that threads share', () => {
    const shared = new SharedArrayBuffer(8);
    for (const view of [new Float32Array(shared), new DataView(shared)]) {
      expect(() => lt.fromBytes(view, [2], 'float32')).toThrow(code('BAD_ARGUMENT'));
      expect(() => lt.zeros([2]).writeBytes(0, view)).toThrow(/lies in a SharedArrayBuffer/);
    }
    expect(() => lt.tensor(new Float32Array(shared))).toThrow(code('BAD_ARGUMENT'));
    expect(lt.fromBytes(new DataView(new ArrayBuffer(16), 4, 8), [2], 'float32').toArray()).toEqual([0, 0]);
  });

  it('take options of their names alone, in an object', () => {
    lt.scope(() => {
      const x = lt.ones([2, 2], { requiresGrad: true });
      const row = lt.tensor([0, 1], { dtype: 'int64' });
      const calls: [name: string, call: (options: never) => unknown][] = [
        ['tensor', (options) => lt.tensor([1], options)],
        ['zeros', (options) => lt.zeros([1], options)],
        ['full', (options) => lt.full([1], 2, options)],
        ['arange', (options) => lt.arange(0, 2, 1, options)],
        ['randn', (options) => lt.randn([1], options)],
        ['rand', (options) => lt.rand([1], options)],
        ['to', (options) => x.to(options)],
        ['backward', (options) => x.sum().backward(undefined, options)],
        ['grad', (options) => lt.grad([x.sum()], [x], options)],
        ['crossEntropy', (options) => lt.crossEntropy(x, row, options)],
        ['tokenLogProbabilities', (options) => lt.tokenLogProbabilities(x, x, row, options)],
        ['AdamW', (options) => new lt.AdamW([x], options)],
        ['sample', (options) => lt.sample(x, options)],
      ];
      for (const [name, call] of calls) {
        for (const wrong of [null, 3, ['float32'], true]) {
          expect(() => call(bad(wrong))).toThrow(`${name}: its options are an object`);
        }
        expect(() => call(bad({ dtpye: 1 }))).toThrow(code('BAD_ARGUMENT'));
        expect(() => call(bad({ dtpye: 1 }))).toThrow(
          `${name}: there is no option "dtpye". Its options are `,
        );
      }
    });
  });

  it('take lists that read themselves while they are read', () => {
    lt.scope(() => {
      const bytes = new Uint8Array(4);
      const shape = [1];
      Object.defineProperty(shape, 0, {
        get: () => {
          structuredClone(bytes, { transfer: [bytes.buffer] });
          return 1;
        },
      });
      expect(() => lt.fromBytes(bytes, shape, 'float32')).toThrow(/data has 0 bytes/);
      const logits = lt.zeros([1, 4]);
      const seeds = [1];
      Object.defineProperty(seeds, 0, {
        get: () => {
          logits.dispose();
          return 1;
        },
      });
      const of = { temperature: 1, topK: 0, topP: 1, repetitionPenalty: 1, positions: [0] };
      expect(() => lt.sample(logits, { ...of, seeds })).toThrow(code('FREED'));
    });
  });

  it('tell what LibTorch and the machine are', () => {
    expect(lt.libtorch().version).toMatch(/^\d+\.\d+/);
    expect(lt.cudaDeviceCount()).toBeGreaterThanOrEqual(0);
    const threads = lt.getNumThreads();
    lt.setNumThreads(1);
    expect(lt.getNumThreads()).toBe(1);
    lt.setNumThreads(threads);
    expect(() => lt.setNumThreads(0)).toThrow(code('BAD_ARGUMENT'));
    lt.useDeterministicAlgorithms(true);
    lt.useDeterministicAlgorithms(false);
    lt.synchronize('cpu');
    expect(() => lt.synchronize('cuda:63')).toThrow(code('NO_DEVICE'));
  });
});
