/** A checkpoint on LibTorch with its tokenizer, ready to be asked: loaded when the first question comes. */
import { setNumThreads } from '@quern/libtorch';
import type { Environment } from '../../collections/environment.ts';
import { QuernError } from '../../errors.ts';
import type { CheckpointParts } from '../../models/checkpoint-parts.ts';
import { checkVocabulary, openTextTokenizer, type TextTokenizer } from '../../models/checkpoint-texts.ts';
import { Checkpoint } from '../../models/checkpoint/checkpoint.ts';
import { readTokenizer } from '../../models/checkpoint/checkpoint-tokenizer.ts';
import { generationDtype, torchDevice } from '../../models/torch/device.ts';
import { Qwen2Model } from '../../models/torch/qwen2-model.ts';
import { TokenGenerator } from '../../models/torch/token-generation.ts';
import { quernError } from '../../models/torch/torch-error.ts';
import type { OnWork } from '../../work.ts';
import { promptTokensWanted, type LocalEngine } from '../local-reasoner.ts';
import type { Sampling } from '../sampling.ts';
import { chatTexts } from './chat-texts.ts';
import { textCompletion } from './torch-generation.ts';

/**
 * Loads a checkpoint, with its adapters merged into it. Throws what opening it throws, `BAD_INPUT` for a tokenizer that does not belong to it, `UNSUPPORTED` for a
 * chat template that cannot be used or a GPU that is not there, and `MISSING_PACKAGE` without LibTorch.
 */
export async function openTorchEngine(
  parts: CheckpointParts,
  options: {
    readonly sampling: Sampling;
    /** The most completions at a time. */
    readonly rows: number;
    readonly env?: Environment;
    readonly threads?: number;
    readonly onWork?: OnWork;
    readonly signal?: AbortSignal;
  },
): Promise<LocalEngine> {
  const { sampling, rows, env, threads, onWork, signal } = options;
  const { folder } = parts;
  const { chatTemplate, endToken } = await readTokenizer(folder, signal);
  const texts = await openTextTokenizer(folder, signal);
  const checkpoint = await Checkpoint.open(folder, signal);
  await checkpoint.close();
  const { config } = checkpoint;
  checkVocabulary(texts, config.vocabularySize, folder);
  const own = checkpoint.endTokens;
  const endTokens = own.length > 0 ? own : endToken === undefined ? [] : [endToken];
  checkEnds(endTokens, texts, folder);
  const promptOf = await chatTexts(texts, chatTemplate);
  const device = torchDevice(env);
  try {
    if (threads !== undefined) setNumThreads(threads);
    const dtype = generationDtype(device);
    const model = await Qwen2Model.load(parts, { dtype, device, signal, onWork });
    const generator = new TokenGenerator(model, { sampling, endTokens, rows });
    const made = { generator, tokenizer: texts.tokenizer, endTokens: new Set(endTokens) };
    return {
      promptTokens: Math.min(promptTokensWanted, config.positions - sampling.maxTokens),
      prompted: (query, passages) => {
        const prompt = promptOf(query, passages);
        return {
          tokens: prompt.length,
          generate: (request) => textCompletion({ ...request, ...made, prompt }),
        };
      },
      close: async () => {
        await generator.close();
        model.close();
      },
    };
  } catch (error) {
    throw quernError(error);
  }
}

/** Throws `BAD_INPUT` where the tokens that end a turn are none of the tokenizer's control tokens. */
function checkEnds(ends: readonly number[], { control }: TextTokenizer, folder: string): void {
  const other = ends.find((id) => !control.has(id));
  if (ends.length > 0 && other === undefined) return;
  const what =
    other === undefined
      ? 'nothing says which token ends a turn'
      : `a turn ends with the token ${other}, which is no control token of the tokenizer`;
  throw new QuernError('BAD_INPUT', what, {
    where: folder,
    hint: 'The tokenizer belongs to another checkpoint: put its own beside the weights',
  });
}
