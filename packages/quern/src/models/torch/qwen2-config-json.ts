import type { JsonObject } from '../checkpoint/json-file.ts';
import type { Qwen2Config } from '../checkpoint/qwen2-config.ts';

/** What `config.json` of a Qwen2 model says, for one that comes from no checkpoint. */
export function qwen2ConfigJson(config: Qwen2Config): JsonObject {
  const { ropeScaling } = config;
  return {
    architectures: ['Qwen2ForCausalLM'],
    model_type: 'qwen2',
    hidden_act: 'silu',
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.positions,
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    num_key_value_heads: config.keyValueHeads,
    rms_norm_eps: config.normEpsilon,
    rope_theta: config.ropeBase,
    ...(ropeScaling && {
      rope_scaling: {
        type: ropeScaling.type,
        factor: ropeScaling.factor,
        ...(ropeScaling.originalPositions !== undefined && {
          original_max_position_embeddings: ropeScaling.originalPositions,
        }),
        ...(ropeScaling.betaFast !== undefined && { beta_fast: ropeScaling.betaFast }),
        ...(ropeScaling.betaSlow !== undefined && { beta_slow: ropeScaling.betaSlow }),
      },
    }),
    tie_word_embeddings: config.tiedEmbeddings,
    use_sliding_window: false,
    vocab_size: config.vocabularySize,
    ...(config.beginToken !== undefined && { bos_token_id: config.beginToken }),
    ...(config.endTokens.length > 0 && { eos_token_id: config.endTokens }),
    ...(config.paddingToken !== undefined && { pad_token_id: config.paddingToken }),
  };
}
