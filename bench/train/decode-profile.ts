/** Where a step of decoding spends its time on a GPU: launching the model's operations, waiting for them, drawing tokens. */
import { noGrad, ones, randn, sample, scope, synchronize, tensor, zeros, type Tensor } from '@quern/libtorch';
import { KeyValueCache, Qwen2Model, type Qwen2Config } from 'quern/torch';

const device = process.env['DEVICE'] ?? 'cuda:0';
const dtype = 'bfloat16';
const rows = Number(process.env['ROWS'] ?? 192);
const length = Number(process.env['LENGTH'] ?? 550);
const config: Qwen2Config = {
  hiddenSize: 1536,
  layers: Number(process.env['LAYERS'] ?? 28),
  heads: 12,
  keyValueHeads: 2,
  intermediateSize: 8960,
  vocabularySize: 151_936,
  positions: 32_768,
  normEpsilon: 1e-6,
  ropeBase: 1e6,
  tiedEmbeddings: true,
  endTokens: [],
};
const weights = new Map<string, Tensor>();
const add = (name: string, ...shape: number[]): void => {
  weights.set(
    name,
    scope(() =>
      (name.includes('norm')
        ? ones(shape, { device, dtype })
        : name.endsWith('bias')
          ? zeros(shape, { device, dtype })
          : randn(shape, { device }).mul_(0.02).to(dtype)
      ).keep(),
    ),
  );
};
add('model.embed_tokens.weight', config.vocabularySize, 1536);
for (let i = 0; i < config.layers; i++) {
  const at = `model.layers.${i}.`;
  add(`${at}input_layernorm.weight`, 1536);
  for (const [name, size] of [
    ['q', 1536],
    ['k', 256],
    ['v', 256],
  ] as const) {
    add(`${at}self_attn.${name}_proj.weight`, size, 1536);
    add(`${at}self_attn.${name}_proj.bias`, size);
  }
  add(`${at}self_attn.o_proj.weight`, 1536, 1536);
  add(`${at}post_attention_layernorm.weight`, 1536);
  add(`${at}mlp.gate_proj.weight`, 8960, 1536);
  add(`${at}mlp.up_proj.weight`, 8960, 1536);
  add(`${at}mlp.down_proj.weight`, 1536, 8960);
}
add('model.norm.weight', 1536);
const model = new Qwen2Model(config, weights, { dtype, device });
if (process.env['JOINED'] !== '0') model.join();

for (const ragged of [false, true]) {
  const cache = new KeyValueCache(
    { layers: config.layers, keyValueHeads: 2, headSize: 128, rows },
    { dtype, device },
  );
  scope(() => {
    const state = {
      keys: zeros([1, 2, length, 128], { dtype, device }),
      values: zeros([1, 2, length, 128], { dtype, device }),
    };
    const states = Array.from({ length: config.layers }, () => state);
    if (!ragged) cache.addRows(states, { length, count: rows, most: length + 100 });
    else
      for (let i = 0; i < rows; i++)
        cache.addRows(states, { length: length - (i % 32), count: 1, most: length + 100 });
  });
  const times = { launch: 0, wait: 0, logits: 0, sample: 0 };
  const steps = 40;
  for (let step = 0; step < steps + 10; step++) {
    const now = performance.now();
    scope(() =>
      noGrad(() => {
        const tokens = tensor(new BigInt64Array(rows).fill(5n), { shape: [rows, 1], device });
        const hidden = model.hiddenOfNext(tokens, cache);
        const launched = performance.now();
        synchronize(device);
        const waited = performance.now();
        const logits = model.logits(hidden).view([rows, config.vocabularySize]);
        synchronize(device);
        const made = performance.now();
        sample(logits, {
          temperature: 1,
          topK: 0,
          topP: 1,
          repetitionPenalty: 1,
          seeds: Array.from({ length: rows }, (_, i) => i),
          positions: Array.from({ length: rows }, () => step),
        });
        const ended = performance.now();
        if (step < 10) return;
        times.launch += launched - now;
        times.wait += waited - launched;
        times.logits += made - waited;
        times.sample += ended - made;
      }),
    );
  }
  cache.dispose();
  console.log(
    `rows of ${ragged ? 'several lengths' : 'one length'}:`,
    Object.entries(times)
      .map(([name, ms]) => `${name} ${(ms / steps).toFixed(2)} ms`)
      .join(', '),
  );
}
