import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import {
  sentenceTransformersFiles,
  tinyToken,
  tinyWeight,
  writeTinyOnnx,
  type TinyOnnxOptions,
} from '../../test/tiny-onnx-model.ts';
import type { Embedder } from './embedder.ts';
import { openEmbedder } from './embedders.ts';
import type { EmbedderOptions } from './model-options.ts';

const folder = temporaryFolder();
const opened: Embedder[] = [];
let models = 0;

afterEach(async () => {
  for (const embedder of opened.splice(0)) await embedder.close();
});

function written(options: TinyOnnxOptions = {}): string {
  const path = join(folder, `model-${models++}`);
  writeTinyOnnx(path, { files: sentenceTransformersFiles('mean_tokens'), ...options });
  return path;
}

async function embedderOf(path: string, options: EmbedderOptions = {}): Promise<Embedder> {
  const embedder = await openEmbedder(`onnx:${path}`, { cacheFolder: folder, env: {}, ...options });
  opened.push(embedder);
  return embedder;
}

/** The vectors of all tokens of a text, as the tiny model is defined. */
function tokenVectors(words: string): number[][] {
  const tokens = words.split(' ').map(tinyToken);
  const own = tokens.map((token) => [0, 1, 2].map((i) => tinyWeight(token, i)));
  const sum = [0, 1, 2].map((i) => own.reduce((total, vector) => total + vector[i], 0));
  return own.map((vector) => vector.map((value, i) => value + sum[i]));
}

function mean(vectors: readonly number[][]): number[] {
  return [0, 1, 2].map((i) => vectors.reduce((total, vector) => total + vector[i], 0) / vectors.length);
}

function unit(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** These numbers, but for rounding. */
function near(expected: readonly number[]): unknown[] {
  return expected.map((value): unknown => expect.closeTo(value, 5));
}

describe('an ONNX embedder', () => {
  it('takes the mean of all tokens but padding', async () => {
    const embedder = await embedderOf(written());
    const [short, long] = await embedder.embed(['a b', 'c d e f'], 'document');
    expect([...short]).toEqual(near(mean(tokenVectors('[CLS] a b [SEP]'))));
    expect([...long]).toEqual(near(mean(tokenVectors('[CLS] c d e f [SEP]'))));
    expect(embedder).toMatchObject({ dimensions: 3, maxTokens: 8, isNormalized: false });
  });

  it('takes the first or the last token where the files say so, and brings it to length 1', async () => {
    const cls = written({ files: sentenceTransformersFiles('cls_token', { normalizes: true }) });
    const last = written({ files: sentenceTransformersFiles('lasttoken', { normalizes: true }) });
    const texts = ['a', 'c d e'];
    const [first] = await (await embedderOf(cls)).embed(texts, 'document');
    const [end] = await (await embedderOf(last)).embed(texts, 'document');
    expect([...first]).toEqual(near(unit(tokenVectors('[CLS] a [SEP]')[0])));
    expect([...end]).toEqual(near(unit(tokenVectors('[CLS] a [SEP]')[2])));
  });

  it('cuts a text that is too long before its last special token', async () => {
    const embedder = await embedderOf(written());
    const long = `a b c d e f ${'g h '.repeat(100_000)}`;
    const [cut, same] = await embedder.embed([long, 'a b c d e f'], 'document');
    expect([...cut]).toEqual(near(mean(tokenVectors('[CLS] a b c d e f [SEP]'))));
    expect(cut).toEqual(same);
  });

  it('embeds an empty text as its special tokens', async () => {
    const [empty] = await (await embedderOf(written())).embed([''], 'document');
    expect([...empty]).toEqual(near(mean(tokenVectors('[CLS] [SEP]'))));
  });

  it('puts instructions before texts of their kind', async () => {
    const files = sentenceTransformersFiles('mean_tokens', { prompts: { query: 'a b ', passage: 'c ' } });
    const embedder = await embedderOf(written({ files }));
    const [query] = await embedder.embed(['d'], 'query');
    const [document] = await embedder.embed(['d'], 'document');
    expect([...query]).toEqual(near(mean(tokenVectors('[CLS] a b d [SEP]'))));
    expect([...document]).toEqual(near(mean(tokenVectors('[CLS] c d [SEP]'))));
  });

  it('leaves an instruction out of the mean where it is told to', async () => {
    const settings = { queryInstruction: 'a b ', poolsInstruction: false };
    const embedder = await embedderOf(written(), { settings });
    const [query] = await embedder.embed(['d'], 'query');
    expect([...query]).toEqual(near(mean(tokenVectors('[CLS] a b d [SEP]').slice(3))));
  });

  it('gives the same vectors whatever the order, and a text its own copy each time', async () => {
    const embedder = await embedderOf(written());
    const texts = Array.from(
      { length: 300 },
      (_, i) => 'a b c d e f'.slice(0, 2 * (i % 6) + 1) + ` ${'gh'[i % 2]}`,
    );
    const vectors = await embedder.embed(texts, 'document');
    const backwards = await embedder.embed(texts.toReversed(), 'document');
    expect(backwards.toReversed()).toEqual(vectors);
    vectors[0].fill(0);
    expect(vectors[12]).not.toEqual(vectors[0]);
  });

  it('says how far it is, and in the end that all are done', async () => {
    const embedder = await embedderOf(written());
    const done: number[] = [];
    const texts = Array.from({ length: 200 }, (_, i) => `a b ${i}`);
    await embedder.embed(texts, 'document', undefined, (count) => done.push(count));
    expect(done.length).toBeGreaterThan(0);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(done.at(-1)).toBe(200);
  });

  it('serves several callers at once', async () => {
    const embedder = await embedderOf(written());
    const alone = await embedder.embed(['a', 'b'], 'document');
    const both = await Promise.all([1, 2, 3].map(() => embedder.embed(['a', 'b'], 'document')));
    expect(both).toEqual([alone, alone, alone]);
  });

  it('embeds nothing without loading anything', async () => {
    expect(await (await embedderOf(written())).embed([], 'query')).toEqual([]);
  });
});

describe('the hash of an ONNX embedder', () => {
  it('is the same for the same files elsewhere, and differs with weights and settings', async () => {
    const hashes: string[] = [];
    for (const [path, settings] of [
      [written(), {}],
      [written(), {}],
      [written({ weight: (token) => token }), {}],
      [written(), { pooling: 'cls' as const }],
      [written(), { documentInstruction: 'a ' }],
      [written(), { maxTokens: 7 }],
    ] as const) {
      hashes.push((await embedderOf(path, { settings })).contentHash);
    }
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(hashes[1]).toBe(hashes[0]);
    expect(new Set(hashes).size).toBe(5);
    const asked = await embedderOf(written(), { settings: { queryInstruction: 'a ' } });
    expect(asked.contentHash).toBe(hashes[0]);
  });
});

describe('what goes wrong with an ONNX embedder', () => {
  it.each([
    ['not finite', (token: number) => (token === tinyToken('b') ? NaN : 1), /text 2 .*no finite number/],
    [
      'zero',
      (token: number) => (token === tinyToken('b') ? -1 : token === tinyToken('a') ? 5 : 0.5),
      /text 2 .*zero/,
    ],
  ])('a vector that is %s is told of with its text', async (_, weight, message) => {
    const embedder = await embedderOf(written({ weight }));
    await expect(embedder.embed(['a', 'b'], 'document')).rejects.toMatchObject({
      code: 'BAD_REPLY',
      message: expect.stringMatching(message),
    });
  });

  it('a model that is no ONNX file is refused when it is loaded', async () => {
    const path = written();
    writeFileSync(join(path, 'onnx/model.onnx'), 'not a model');
    const embedder = await embedderOf(path);
    await expect(embedder.embed(['a'], 'document')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('vectors of another length than the configuration says are refused', async () => {
    const embedder = await embedderOf(written({ config: { hidden_size: 4 } }));
    await expect(embedder.embed(['a'], 'document')).rejects.toMatchObject({
      code: 'BAD_REPLY',
      message: expect.stringMatching(/3 dimensions, not 4/),
    });
  });

  it('a model that gives no vectors of tokens is refused', async () => {
    const embedder = await embedderOf(written({ classifies: true }));
    await expect(embedder.embed(['a'], 'document')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('the work stops on request before and between batches', async () => {
    const embedder = await embedderOf(written());
    await expect(embedder.embed(['a'], 'document', AbortSignal.abort())).rejects.toMatchObject({
      code: 'ABORTED',
    });
    const controller = new AbortController();
    const texts = Array.from({ length: 500 }, (_, i) => `a ${i}`);
    let reports = 0;
    const stopped = embedder.embed(texts, 'document', controller.signal, () => {
      reports++;
      controller.abort();
    });
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    expect(reports).toBe(1);
    expect(await embedder.embed(['a'], 'document')).toHaveLength(1);
  });

  it('what waits for it when it is closed is stopped, and what comes later too', async () => {
    const embedder = await embedderOf(written());
    const waiting = embedder.embed(['a'], 'document');
    const closed = embedder.close();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    await closed;
    await expect(embedder.embed(['a'], 'document')).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
