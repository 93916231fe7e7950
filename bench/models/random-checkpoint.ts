/** A checkpoint of Qwen2.5-0.5B's shape with random weights and Qwen2's real tokenizer: its speed is a trained one's. */
import { copyFileSync, closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const hidden = 896;
const layers = 24;
const heads = 14;
const keyValueHeads = 2;
const intermediate = 4864;
const vocabulary = 151_936;

/** Writes the folder; returns the bytes of its weights. */
export function writeRandomCheckpoint(folder: string, tokenizer: string): number {
  mkdirSync(folder, { recursive: true });
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    copyFileSync(join(tokenizer, name), join(folder, name));
  }
  const config = {
    architectures: ['Qwen2ForCausalLM'],
    model_type: 'qwen2',
    hidden_act: 'silu',
    hidden_size: hidden,
    intermediate_size: intermediate,
    max_position_embeddings: 32_768,
    num_attention_heads: heads,
    num_hidden_layers: layers,
    num_key_value_heads: keyValueHeads,
    rms_norm_eps: 1e-6,
    rope_theta: 1e6,
    tie_word_embeddings: true,
    torch_dtype: 'bfloat16',
    vocab_size: vocabulary,
    bos_token_id: 151_643,
    eos_token_id: 151_645,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  return writeWeights(join(folder, 'model.safetensors'));
}

function shapes(): [name: string, shape: number[]][] {
  const keys = keyValueHeads * (hidden / heads);
  const list: [string, number[]][] = [['model.embed_tokens.weight', [vocabulary, hidden]]];
  for (let layer = 0; layer < layers; layer++) {
    const at = `model.layers.${layer}`;
    list.push(
      [`${at}.input_layernorm.weight`, [hidden]],
      [`${at}.post_attention_layernorm.weight`, [hidden]],
    );
    for (const [part, rows] of [
      ['q', hidden],
      ['k', keys],
      ['v', keys],
    ] as const) {
      list.push(
        [`${at}.self_attn.${part}_proj.weight`, [rows, hidden]],
        [`${at}.self_attn.${part}_proj.bias`, [rows]],
      );
    }
    list.push([`${at}.self_attn.o_proj.weight`, [hidden, hidden]]);
    list.push(
      [`${at}.mlp.gate_proj.weight`, [intermediate, hidden]],
      [`${at}.mlp.up_proj.weight`, [intermediate, hidden]],
    );
    list.push([`${at}.mlp.down_proj.weight`, [hidden, intermediate]]);
  }
  return [...list, ['model.norm.weight', [hidden]]];
}

function writeWeights(path: string): number {
  const header: Record<string, unknown> = {};
  let end = 0;
  const tensors = shapes();
  for (const [name, shape] of tensors) {
    const start = end;
    end += 2 * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: 'BF16', shape, data_offsets: [start, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = openSync(path, 'w');
  writeSync(file, length);
  writeSync(file, json);
  let state = 1;
  for (const [name, shape] of tensors) {
    const count = shape.reduce((a, b) => a * b, 1);
    const values = new Uint16Array(count);
    const spread = name.includes('embed') ? 0.02 : 1 / Math.sqrt(shape.at(-1)!);
    const table = bfloat16Table(shape.length === 1 ? 0 : spread, name.includes('norm') ? 1 : 0);
    for (let i = 0; i < count; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      values[i] = table[state >>> 20];
    }
    writeSync(file, values);
  }
  closeSync(file);
  return end;
}

/** 4,096 values spread evenly about `centre`, of the given standard deviation. */
function bfloat16Table(spread: number, centre: number): Uint16Array {
  const values = Float32Array.from(
    { length: 4096 },
    (_, i) => centre + spread * Math.sqrt(12) * (i / 4095 - 0.5),
  );
  return Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16);
}
