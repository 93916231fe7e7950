/**
 * Calls everything that the package exports with arbitrary arguments, in a process of its own, which a fault in the addon would
 * end:
 *
 *     node --expose-gc wild-calls.mjs SEED CALLS JOURNAL
 *
 * Each call is written into the file JOURNAL before it is made. Prints as JSON how many calls were made
 * and returned, what errors of other classes were thrown, which exports are not called, and what memory is held at the end.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import * as lt from '../dist/index.js';

const [seed, calls] = process.argv.slice(2, 4).map(Number);
const journal = openSync(process.argv[4], 'w');
const exported = new Map(Object.entries(lt));
const poolSize = 24;
const dtypes = ['float32', 'bfloat16', 'float16', 'float64', 'int64', 'int32', 'uint8', 'bool'];

// Arguments. Those that stand for what is made later are functions of the pool. Sizes are small, or beyond any machine's memory.

const tensor = fc.nat(poolSize - 1).map((i) => named(`t${i}`, (pool) => pool[i]));
const ofDtype = (...names) =>
  fc.nat(poolSize - 1).map((i) =>
    named(`${names[0]}${i}`, (pool) => {
      const fitting = pool.filter((each) => !each.isFreed && names.includes(each.dtype));
      return fitting[i % Math.max(1, fitting.length)] ?? pool[i];
    }),
  );
const small = fc.integer({ min: -3, max: 6 });
const edge = fc.constantFrom(
  0,
  1,
  -1,
  2 ** 31,
  -(2 ** 31),
  2 ** 32,
  2 ** 45,
  -(2 ** 45),
  2 ** 53 - 1,
  -(2 ** 53),
  2 ** 63,
);
const place = fc.oneof({ weight: 8, arbitrary: small }, { weight: 1, arbitrary: edge });
const size = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 5 }) },
  { weight: 1, arbitrary: fc.constantFrom(-1, -2, 2 ** 42, 2 ** 52, 2 ** 53 - 1, 2 ** 62, 0.5, NaN) },
);
const shape = fc.array(size, { maxLength: 5 });
const number = fc.oneof(
  small,
  fc.double(),
  fc.constantFrom(0, -0, 0.5, 1, NaN, Infinity, 1e-320, 1e308),
  edge,
);
const rate = fc.oneof(
  { weight: 3, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  { weight: 1, arbitrary: number },
  { weight: 1, arbitrary: fc.constantFrom(1e-40, 1e-310, 5e-324) },
);
const boolean = fc.boolean();
const dtype = fc.constantFrom(...dtypes, 'complex64', '');
const device = fc.constantFrom(
  'cpu',
  'cpu',
  'cpu',
  'cuda',
  'cuda:0',
  'cuda:63',
  'cuda:99999',
  'cuda:-1',
  'meta',
  'mps',
  'gpu',
  'cpu:0',
);
const bytes = fc.uint8Array({ maxLength: 64 });
const generator = fc.nat(3).map((i) => named(`g${i}`, (_, generators) => generators[i]));
const optimizer = fc.nat(3).map((i) => named(`o${i}`, (_, __, optimizers) => optimizers[i]));
const operand = fc.oneof(tensor, number);
const dims = fc.oneof(place, fc.array(place, { maxLength: 4 }));
const list = fc.array(tensor, { maxLength: 4 });
const several = fc.array(place, { maxLength: 5 });
const index = ofDtype('int64');
const maybe = (arbitrary) =>
  fc.oneof({ weight: 3, arbitrary }, { weight: 1, arbitrary: fc.constant(undefined) });
const options = (of) => fc.record(of, { requiredKeys: [] });
const creation = options({ dtype, device, requiresGrad: boolean });
const work = fc.oneof(
  tensor.map((value) =>
    named(
      `() => ${value.label}`,
      (...from) =>
        () =>
          value.make(...from),
    ),
  ),
  tensor.map((value) =>
    named(
      `() => ${value.label}.exp()`,
      (...from) =>
        () =>
          value.make(...from).exp(),
    ),
  ),
  fc.constant(
    named('() => throw', () => () => {
      throw new lt.LibTorchError('ABORTED', 'thrown by work');
    }),
  ),
  fc.constant(named('async', () => async () => 1)),
);
const values = fc.oneof(
  number,
  boolean,
  fc.array(fc.oneof(number, boolean), { maxLength: 5 }),
  fc.array(fc.array(number, { maxLength: 3 }), { maxLength: 3 }),
  fc.float32Array({ maxLength: 9 }),
  fc.bigInt64Array({ maxLength: 9 }),
  bytes,
);

const loop = [];
loop.push(loop);
const wild = fc.oneof(
  fc.constantFrom(
    undefined,
    null,
    '',
    'cpu',
    'float32',
    'toString',
    {},
    [],
    true,
    0,
    -1,
    NaN,
    Infinity,
    1e300,
    2 ** 53,
  ),
  fc.constantFrom(0n, -1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 70n),
  fc.constantFrom(
    named('Symbol', () => Symbol('wild')),
    named('function', () => () => 1),
    named('sparse', () => Array.from({ length: 0 }).concat(Array(2 ** 32 - 2))),
    named('loop', () => loop),
    named('proxy', () => new Proxy([1, 2], {})),
    named('prototype-less', () => Object.create(null)),
    named('Promise', () => Promise.resolve(1)),
    named('detached', () => {
      const gone = new Float32Array(4);
      structuredClone(gone, { transfer: [gone.buffer] });
      return gone;
    }),
    named('view', () => new DataView(new ArrayBuffer(8), 3, 2)),
    named('shared', () => new Uint8Array(new SharedArrayBuffer(8))),
    named('Tensor.prototype', () => lt.Tensor.prototype),
    named('many ones', () => Array.from({ length: 70 }, () => 1)),
  ),
  fc.nat().map((i) => named(`handle ${i}`, () => new lt.Tensor(i))),
  fc.nat(2 ** 27).map((i) => named(`handle ${i}`, () => new lt.Tensor(2 ** 27 * (i % 7) + (i % 40)))),
  fc.nat(poolSize - 1).map((i) =>
    named(`list that frees ${i}`, (pool) => {
      const hostile = [0, 1];
      Object.defineProperty(hostile, 0, {
        get: () => {
          pool[i].dispose();
          for (let time = 0; time < 40; time++) pool[i] = lt.zeros([2]);
          return 0;
        },
      });
      return hostile;
    }),
  ),
  tensor,
  fc.array(tensor, { maxLength: 2 }),
  fc.anything({ maxDepth: 2 }),
);

function named(label, make) {
  return { label, make, isMade: true };
}

/** A new tensor of a shape. */
function made(...sizes) {
  return fc.constant(named(`new[${sizes}]`, () => lt.randn(sizes)));
}

/** Parts of a decoder of two sequences, two heads of four and one of keys and values; each now and then another. */
function parts(those) {
  const odd = fc.oneof(tensor, wild, made(8), made(2, 1, 3, 4));
  return fc.record(
    Object.fromEntries(
      Object.entries(those).map(([name, usual]) => [
        name,
        fc.oneof({ weight: 40, arbitrary: usual }, { weight: 1, arbitrary: odd }),
      ]),
    ),
  );
}

const decoderLayer = parts({
  inputNorm: made(8),
  attention: fc.oneof(made(16, 8), fc.constant(named('new[8,16].t', () => lt.randn([8, 16]).t()))),
  attentionBias: fc.oneof(made(16), fc.constant(undefined)),
  output: made(8, 8),
  attentionNorm: made(8),
  network: made(6, 8),
  down: made(8, 3),
  keys: made(3, 1, 5, 4),
  values: made(3, 1, 5, 4),
});
const decoder = parts({
  layers: fc.oneof(
    { weight: 9, arbitrary: fc.array(decoderLayer, { maxLength: 2 }) },
    { weight: 1, arbitrary: wild },
  ),
  finalNorm: made(8),
  head: made(7, 8),
  cos: made(6, 4),
  sin: made(6, 4),
  lengths: fc.array(fc.oneof({ weight: 9, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: place }), {
    minLength: 2,
    maxLength: 2,
  }),
  heads: fc.constant(2),
  keyValueHeads: fc.constant(1),
  epsilon: number,
});

// What is called with what.

const unary =
  'neg exp log sqrt rsqrt square abs sin cos tanh sigmoid relu silu isnan isfinite logicalNot max min any all t';
const plain = `${unary} contiguous clone detach item data toArray bytes toString`.split(' ');
const binary = 'add sub mul div pow add_ sub_ mul_ div_ eq ne lt le gt ge'.split(' ');
const methods = {
  ...Object.fromEntries(plain.map((name) => [name, []])),
  ...Object.fromEntries(binary.map((name) => [name, [operand]])),
  addcmul: [tensor, tensor],
  minimum: [tensor],
  maximum: [tensor],
  clamp: [maybe(number), maybe(number)],
  gelu: [maybe(fc.constantFrom('none', 'tanh', 'other'))],
  copy_: [tensor],
  fill_: [number],
  zero_: [],
  logicalAnd: [tensor],
  logicalOr: [tensor],
  sum: [maybe(dims), maybe(boolean)],
  mean: [maybe(dims), maybe(boolean)],
  std: [maybe(dims), maybe(boolean), maybe(number)],
  amax: [dims, maybe(boolean)],
  argmax: [maybe(place), maybe(boolean)],
  argmin: [maybe(place), maybe(boolean)],
  logsumexp: [dims, maybe(boolean)],
  norm: [maybe(number), maybe(dims), maybe(boolean)],
  cumsum: [place],
  softmax: [place, maybe(dtype)],
  logSoftmax: [place, maybe(dtype)],
  topk: [place, maybe(place)],
  sort: [maybe(place), maybe(boolean)],
  view: [shape],
  reshape: [shape],
  transpose: [place, place],
  permute: [several],
  unsqueeze: [place],
  squeeze: [place],
  expand: [shape],
  repeat: [shape],
  repeatInterleave: [size, place],
  flatten: [maybe(place), maybe(place)],
  split: [place, maybe(place)],
  chunk: [place, maybe(place)],
  unbind: [maybe(place)],
  narrow: [place, place, place],
  select: [place, place],
  slice: [place, maybe(place), maybe(place), maybe(place)],
  roll: [place, place],
  flip: [several],
  tril: [maybe(place)],
  triu: [maybe(place)],
  indexSelect: [place, index],
  gather: [place, index],
  scatter_: [place, index, operand],
  scatterAdd_: [place, index, tensor],
  indexCopy_: [place, index, tensor],
  index: [fc.array(maybe(fc.oneof(index, ofDtype('bool', 'uint8'), tensor)), { maxLength: 4 })],
  indexPut_: [fc.array(maybe(fc.oneof(index, ofDtype('bool'))), { maxLength: 4 }), tensor, maybe(boolean)],
  maskedFill: [ofDtype('bool'), number],
  matmul: [tensor],
  to: [fc.oneof(options({ dtype, device }), dtype, device)],
  size: [place],
  keep: [],
  dispose: [],
  requiresGrad_: [maybe(boolean)],
  backward: [maybe(tensor), maybe(options({ retainGraph: boolean }))],
  writeBytes: [place, bytes],
};
const properties = 'shape dtype device isContiguous isLeaf dim numel isFreed requiresGrad grad handle'.split(
  ' ',
);

const functions = {
  cat: [list, maybe(place)],
  stack: [list, maybe(place)],
  where: [ofDtype('bool'), tensor, tensor],
  arange: [number, number, maybe(fc.oneof(small, fc.constantFrom(1e-300, NaN, Infinity))), maybe(creation)],
  eye: [size, maybe(creation)],
  fromBytes: [bytes, shape, dtype],
  full: [shape, number, maybe(creation)],
  ones: [shape, maybe(creation)],
  zeros: [shape, maybe(creation)],
  empty: [shape, maybe(creation)],
  onesLike: [tensor],
  zerosLike: [tensor],
  rand: [shape, maybe(options({ dtype, device, generator }))],
  randn: [shape, maybe(options({ dtype, device, generator }))],
  tensor: [values, maybe(options({ dtype, device, shape, requiresGrad: boolean }))],
  scope: [work],
  noGrad: [work],
  enableGrad: [work],
  autocast: [fc.constantFrom('bfloat16', 'float16', 'float32'), work, maybe(device)],
  grad: [list, list, maybe(options({ gradients: list, retainGraph: boolean, allowUnused: boolean }))],
  crossEntropy: [
    tensor,
    index,
    maybe(options({ reduction: fc.constantFrom('none', 'sum', 'mean'), ignoreIndex: place })),
  ],
  dropout: [tensor, rate, boolean],
  embedding: [index, tensor],
  layerNorm: [tensor, maybe(tensor), maybe(tensor), maybe(number)],
  rmsNorm: [tensor, maybe(tensor), maybe(number)],
  linear: [tensor, tensor, maybe(tensor)],
  scaledDotProductAttention: [
    tensor,
    tensor,
    tensor,
    maybe(options({ mask: tensor, isCausal: boolean, scale: number, isGrouped: boolean, dropout: rate })),
  ],
  tokenLogProbabilities: [tensor, tensor, index, maybe(options({ temperature: number, chunk: place }))],
  tokenLogProbabilitiesAndEntropies: [
    tensor,
    tensor,
    index,
    maybe(options({ temperature: number, chunk: place })),
  ],
  sample: [
    tensor,
    fc.record({
      temperature: rate,
      topK: fc.nat(4),
      topP: rate,
      repetitionPenalty: rate,
      used: maybe(ofDtype('uint8')),
      seeds: fc.array(place, { maxLength: 4 }),
      positions: fc.array(fc.nat(3), { maxLength: 4 }),
    }),
  ],
  decoderStep: [fc.oneof({ weight: 9, arbitrary: made(2, 8) }, { weight: 1, arbitrary: tensor }), decoder],
  clipGradNorm: [list, number],
  generatorState: [maybe(device)],
  setGeneratorState: [tensor, maybe(device)],
  manualSeed: [place, maybe(device)],
  setNumThreads: [fc.constantFrom(1, 2, 0, -1, NaN, 1e9)],
  getNumThreads: [],
  cudaDeviceCount: [],
  libtorch: [],
  memory: [],
  resetPeakMemory: [],
  synchronize: [device],
  useDeterministicAlgorithms: [boolean],
  enableCudnnAttention: [boolean],
};
const classes = {
  Generator: [place, maybe(device)],
  AdamW: [
    list,
    maybe(
      options({ learningRate: number, betas: fc.tuple(rate, rate), epsilon: number, weightDecay: number }),
    ),
  ],
};
const ofGenerator = { manualSeed: [place], state: [], setState: [tensor], dispose: [] };
const ofOptimizer = {
  step: [],
  zeroGrad: [],
  state: [place],
  setState: [place, fc.record({ step: tensor, mean: tensor, square: tensor })],
  dispose: [],
};
// They are not called: a class of errors, and what is used before anything is computed.
const left = ['LibTorchError', 'Tensor', 'buildsFolder'];

/** Arguments by a signature: one in ten is wild, and now and then there are too few or too many. */
function argumentsOf(signature) {
  const each = signature.map((right) =>
    fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: wild }),
  );
  return fc.oneof(
    { weight: 12, arbitrary: fc.tuple(...each) },
    { weight: 1, arbitrary: fc.array(wild, { maxLength: 4 }) },
  );
}

const callOf = (kind, target, table) =>
  fc.oneof(
    ...Object.entries(table).map(([name, signature]) =>
      fc.record({ kind: fc.constant(kind), name: fc.constant(name), target, args: argumentsOf(signature) }),
    ),
  );
const nothing = fc.constant(undefined);
const call = fc.oneof(
  {
    weight: 12,
    arbitrary: callOf(
      'method',
      fc.oneof({ weight: 9, arbitrary: tensor }, { weight: 1, arbitrary: index }),
      methods,
    ),
  },
  { weight: 8, arbitrary: callOf('function', nothing, functions) },
  { weight: 1, arbitrary: callOf('class', fc.nat(3), classes) },
  { weight: 1, arbitrary: callOf('method', generator, ofGenerator) },
  { weight: 1, arbitrary: callOf('method', optimizer, ofOptimizer) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('get'),
      name: fc.constantFrom(...properties),
      target: tensor,
      args: fc.constant([]),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('set'),
      name: fc.constant('grad'),
      target: tensor,
      args: fc.tuple(fc.oneof(tensor, wild)),
    }),
  },
);

// The things that they are called of.

const shapes = [
  [],
  [1],
  [4],
  [0],
  [3, 4],
  [4, 3],
  [4, 4],
  [2, 0],
  [2, 3, 4],
  [1, 2, 3, 4],
  [1, 1, 3, 4],
  [3],
];

/** A tensor of the i-th kind: types and shapes in turn, some with gradients, some views. */
function fresh(i) {
  const type = i % 3 === 0 ? dtypes[(i / 3) % dtypes.length] : 'float32';
  const drawn = lt
    .randn(shapes[i % shapes.length])
    .mul(2)
    .to({ dtype: type })
    .detach();
  if (i % 5 === 1) return drawn.unsqueeze(0).transpose(0, -1);
  return type === 'float32' && i % 2 === 0 ? drawn.requiresGrad_() : drawn;
}

function realised(value, things, depth = 0) {
  if (typeof value !== 'object' || value === null || depth > 5) return value;
  if (value.isMade === true) return value.make(...things);
  if (Array.isArray(value)) {
    return value === loop || value.length > 100
      ? value
      : value.map((item) => realised(item, things, depth + 1));
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, realised(item, things, depth + 1)]),
  );
}

function written(value, depth = 0) {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null || depth > 3) return String(value);
  if (value.isMade === true) return value.label;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.length})`;
  if (Array.isArray(value)) return `[${value.slice(0, 9).map((item) => written(item, depth + 1))}]`;
  return `{${Object.entries(value).map(([key, item]) => `${key}: ${written(item, depth + 1)}`)}}`;
}

function outcome({ kind, name, target, args }, pools) {
  const given = realised(args, pools);
  if (kind === 'function') return exported.get(name)(...given);
  if (kind === 'class') {
    pools[name === 'Generator' ? 1 : 2][target] = Reflect.construct(exported.get(name), given);
    return undefined;
  }
  const of = realised(target, pools);
  if (kind === 'get') return of[name];
  if (kind === 'set') return (of[name] = given[0]);
  return of[name](...given);
}

const pool = Array.from({ length: poolSize }, (_, i) => fresh(i));
const generators = [1, 2, 3, 4].map((from) => new lt.Generator(from));
const optimizers = [0, 1, 2, 3].map(() => new lt.AdamW([lt.ones([2, 3], { requiresGrad: true })]));
const things = [pool, generators, optimizers];
const others = {};
let returned = 0;
let done = 0;

for (const [at, each] of fc.sample(call, { seed, numRuns: calls }).entries()) {
  const text = `${at} ${each.kind} ${written(each.target)} ${each.name}(${written(each.args)})\n`;
  writeSync(journal, text, 0);
  try {
    const result = outcome(each, things);
    returned++;
    for (const item of [result].flat(1)) {
      if (!(item instanceof lt.Tensor) || item.isFreed) continue;
      // Of what a view shows of one value a million times, sums would take long.
      if (item.numel > 1e5) item.dispose();
      else pool[(at * 7) % poolSize] = item;
    }
  } catch (error) {
    if (error?.name !== 'LibTorchError') others[`${each.name}: ${error}`] ??= text;
  }
  done++;
  if (at % 20 === 0) pool[at % poolSize] = fresh(at % 97);
  if (at % 500 === 499) {
    for (const i of pool.keys()) pool[i] = fresh(i);
    for (const i of optimizers.keys()) optimizers[i].dispose();
    globalThis.gc();
    await setImmediate();
    await setImmediate();
  }
}
const signatures = new Set([...Object.keys(functions), ...Object.keys(classes), ...left]);
const ofTensor = Object.entries(Object.getOwnPropertyDescriptors(lt.Tensor.prototype));
const uncalled = [
  ...Object.keys(lt).filter((name) => !signatures.has(name)),
  ...ofTensor
    .filter(([name, { value }]) => typeof value === 'function' && !(name in methods))
    .map(([name]) => name),
].filter((name) => name !== 'constructor');
pool.length = 0;
globalThis.gc();
await setImmediate();
globalThis.gc();
await setImmediate();
console.log(
  JSON.stringify({ done, returned, others, uncalled, memory: lt.memory(), rss: process.memoryUsage().rss }),
);
closeSync(journal);
