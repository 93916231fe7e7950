import type { Qwen2Config } from './qwen2-config.ts';

/** A tensor that a Qwen2 checkpoint has to hold. */
export interface Qwen2Tensor {
  /** Its name in a checkpoint. */
  readonly name: string;
  /** Its name in a GGUF file. */
  readonly ggufName: string;
  /** Rows and columns, or one size. */
  readonly shape: readonly number[];
}

/** The matrices of a layer: their names in a checkpoint and in a GGUF file. LoRA adapters can change them. */
export const layerMatrices: ReadonlyMap<string, string> = new Map([
  ['self_attn.q_proj', 'attn_q'],
  ['self_attn.k_proj', 'attn_k'],
  ['self_attn.v_proj', 'attn_v'],
  ['self_attn.o_proj', 'attn_output'],
  ['mlp.gate_proj', 'ffn_gate'],
  ['mlp.up_proj', 'ffn_up'],
  ['mlp.down_proj', 'ffn_down'],
]);

/**
 * The tensors of a model of `config`, in the order in which they are written: embeddings, layer after layer, output. Where
 * the embeddings are tied there is no output matrix.
 */
export function qwen2Tensors(config: Qwen2Config): Qwen2Tensor[] {
  const { hiddenSize, layers, heads, keyValueHeads, intermediateSize, vocabularySize } = config;
  const keyValueSize = (hiddenSize / heads) * keyValueHeads;
  const embedding = [vocabularySize, hiddenSize];
  const tensors: Qwen2Tensor[] = [
    { name: 'model.embed_tokens.weight', ggufName: 'token_embd.weight', shape: embedding },
  ];
  for (let layer = 0; layer < layers; layer++) {
    const add = (name: string, ggufName: string, ...shape: number[]): void => {
      tensors.push({ name: `model.layers.${layer}.${name}`, ggufName: `blk.${layer}.${ggufName}`, shape });
    };
    add('input_layernorm.weight', 'attn_norm.weight', hiddenSize);
    add('self_attn.q_proj.weight', 'attn_q.weight', hiddenSize, hiddenSize);
    add('self_attn.q_proj.bias', 'attn_q.bias', hiddenSize);
    add('self_attn.k_proj.weight', 'attn_k.weight', keyValueSize, hiddenSize);
    add('self_attn.k_proj.bias', 'attn_k.bias', keyValueSize);
    add('self_attn.v_proj.weight', 'attn_v.weight', keyValueSize, hiddenSize);
    add('self_attn.v_proj.bias', 'attn_v.bias', keyValueSize);
    add('self_attn.o_proj.weight', 'attn_output.weight', hiddenSize, hiddenSize);
    add('post_attention_layernorm.weight', 'ffn_norm.weight', hiddenSize);
    add('mlp.gate_proj.weight', 'ffn_gate.weight', intermediateSize, hiddenSize);
    add('mlp.up_proj.weight', 'ffn_up.weight', intermediateSize, hiddenSize);
    add('mlp.down_proj.weight', 'ffn_down.weight', hiddenSize, intermediateSize);
  }
  tensors.push({ name: 'model.norm.weight', ggufName: 'output_norm.weight', shape: [hiddenSize] });
  if (!config.tiedEmbeddings) {
    tensors.push({ name: 'lm_head.weight', ggufName: 'output.weight', shape: embedding });
  }
  return tensors;
}
