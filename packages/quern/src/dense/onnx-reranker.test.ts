import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { tinyToken, tinyWeight, writeTinyOnnx, type TinyOnnxOptions } from '../../test/tiny-onnx-model.ts';
import type { Reranker } from './reranker.ts';
import type { RerankerOptions } from './model-options.ts';
import { openReranker } from './rerankers.ts';

const folder = temporaryFolder();
const opened: Reranker[] = [];
let models = 0;

afterEach(async () => {
  for (const reranker of opened.splice(0)) await reranker.close();
});

async function rerankerOf(model: TinyOnnxOptions = {}, options: RerankerOptions = {}): Promise<Reranker> {
  const path = join(folder, `model-${models++}`);
  writeTinyOnnx(path, { dimensions: 1, classifies: true, ...model });
  const reranker = await openReranker(`onnx:${path}`, { env: {}, cacheFolder: folder, ...options });
  opened.push(reranker);
  return reranker;
}

/** What the tiny model gives for these tokens: the sum of their weights. */
function logit(words: string): number {
  return words.split(' ').reduce((sum, word) => sum + tinyWeight(tinyToken(word), 0), 0);
}

function near(values: readonly number[]): unknown[] {
  return values.map((value): unknown => expect.closeTo(value, 5));
}

const identity = { sentence_transformers: { activation_fn: 'torch.nn.modules.linear.Identity' } };

describe('a cross-encoder', () => {
  it('scores query and text together, in the order of the texts', async () => {
    const reranker = await rerankerOf({ config: identity });
    const scores = await reranker.score('a b', ['c', 'd e f g h', '']);
    expect([...scores]).toEqual(
      near([
        logit('[CLS] a b [SEP] c [SEP]'),
        logit('[CLS] a b [SEP] d e f g h [SEP]'),
        logit('[CLS] a b [SEP] [SEP]'),
      ]),
    );
  });

  it('gives the sigmoid where the checkpoint says nothing or so, and the logit where an older one says that', async () => {
    const expected = logit('[CLS] a [SEP] c [SEP]');
    const sigmoid = 1 / (1 + Math.exp(-expected));
    for (const [config, score] of [
      [{}, sigmoid],
      [{ sentence_transformers: { activation_fn: 'torch.nn.modules.activation.Sigmoid' } }, sigmoid],
      [{ sbert_ce_default_activation_function: 'torch.nn.modules.linear.Identity' }, expected],
    ] as const) {
      const reranker = await rerankerOf({ config });
      expect([...(await reranker.score('a', ['c']))]).toEqual(near([score]));
    }
  });

  it('cuts the longer of the two where they are more than it reads', async () => {
    const reranker = await rerankerOf({ config: identity }, { maxTokens: 8 });
    const [cut] = await reranker.score('a b', ['c d e f g h']);
    expect(cut).toBeCloseTo(logit('[CLS] a b [SEP] c d e [SEP]'), 5);
  });

  it('gives the same scores whatever the order', async () => {
    const reranker = await rerankerOf();
    const texts = Array.from({ length: 150 }, (_, i) => 'a b c d e f g h'.slice(0, 1 + 2 * (i % 8)));
    const scores = await reranker.score('k', texts);
    expect((await reranker.score('k', texts.toReversed())).toReversed()).toEqual(scores);
  });

  it('scores no texts without loading anything', async () => {
    expect(await (await rerankerOf()).score('a', [])).toHaveLength(0);
  });

  it.each([
    ['two labels', { config: { id2label: { 0: 'A', 1: 'B' } } }],
    ['another activation', { config: { sentence_transformers: { activation_fn: 'torch.nn.Tanh' } } }],
  ])('with %s is refused when it is opened', async (_, model) => {
    await expect(rerankerOf(model)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('that gives two numbers for a text is refused', async () => {
    const reranker = await rerankerOf({ dimensions: 2 });
    await expect(reranker.score('a', ['b'])).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('that gives something that is no number is told of', async () => {
    const reranker = await rerankerOf({ weight: (token) => (token === tinyToken('b') ? NaN : 1) });
    await expect(reranker.score('a', ['c', 'b'])).rejects.toMatchObject({
      code: 'BAD_REPLY',
      message: expect.stringMatching(/text 2/),
    });
  });
});
