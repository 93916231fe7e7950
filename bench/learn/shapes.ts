/** Models by size. */
import { randomQwen2, type Qwen2Config, type Qwen2Model, type TextTokenizer } from 'quern/torch';
import { controlToken } from './chat.js';

export const modelNames = ['small', 'medium'] as const;
export type ModelName = (typeof modelNames)[number];

/** `small`: 5.0 million parameters, for two processor cores. `medium`: 27.8 million, for a GPU. */
const shapes: Record<
  ModelName,
  Pick<Qwen2Config, 'hiddenSize' | 'layers' | 'heads' | 'keyValueHeads' | 'intermediateSize'>
> = {
  small: { hiddenSize: 256, layers: 4, heads: 4, keyValueHeads: 2, intermediateSize: 704 },
  medium: { hiddenSize: 512, layers: 8, heads: 8, keyValueHeads: 4, intermediateSize: 1408 },
};

/** A new model for a tokenizer, to be trained. */
export function newModel(
  name: ModelName,
  texts: TextTokenizer,
  { seed = 1, device = 'cpu' }: { readonly seed?: number; readonly device?: string } = {},
): Qwen2Model {
  const config: Qwen2Config = {
    ...shapes[name],
    vocabularySize: texts.lastToken + 1,
    positions: 2048,
    normEpsilon: 1e-6,
    ropeBase: 1e4,
    tiedEmbeddings: true,
    endTokens: [controlToken(texts, '<|im_end|>'), controlToken(texts, '<|endoftext|>')],
    paddingToken: controlToken(texts, '<|endoftext|>'),
  };
  return randomQwen2(config, { seed, device, isTrained: true });
}

export function parametersOf(model: Qwen2Model): number {
  return model.parameters.reduce((sum, { numel }) => sum + numel, 0);
}
