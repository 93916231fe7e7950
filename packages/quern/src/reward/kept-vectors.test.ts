import { expect, it } from 'vitest';
import { WordEmbedder } from '../../test/word-embedder.ts';
import { cosine, KeptVectors } from './kept-vectors.ts';

const kept = (text: string) => ({ text, as: 'document', kept: true }) as const;

it('embeds a text that is kept once, and a passing one each time', async () => {
  const embedder = new WordEmbedder();
  const vectors = new KeptVectors(embedder);
  const texts = [
    kept('ash'),
    kept('ash'),
    kept('elm'),
    { text: 'oak', as: 'document', kept: false } as const,
  ];
  const vectorOf = await vectors.of(texts);
  await vectors.of(texts);
  expect(embedder.calls.map((call) => call.texts)).toEqual([['ash', 'elm', 'oak'], ['oak']]);
  expect(vectors.embedded).toBe(4);
  expect(vectorOf('elm', 'document')).toEqual(embedder.vectorOf('elm'));
});

it('tells queries from documents', async () => {
  const embedder = new WordEmbedder();
  const vectors = new KeptVectors(embedder);
  await vectors.of([kept('ash'), { ...kept('ash'), as: 'query' }]);
  expect(embedder.calls.map((call) => call.as)).toEqual(['query', 'document']);
});

it('forgets the least recently used where they take more bytes than are allowed', async () => {
  const embedder = new WordEmbedder(50);
  const vectors = new KeptVectors(embedder, 2 * (50 * 4 + 200));
  for (const text of ['ash', 'elm', 'ash', 'oak', 'ash', 'elm']) await vectors.of([kept(text)]);
  expect(embedder.calls.map((call) => call.texts)).toEqual([['ash'], ['elm'], ['oak'], ['elm']]);
});

it('embeds anew what it was told to forget, and counts the bytes anew', async () => {
  const embedder = new WordEmbedder(50);
  const vectors = new KeptVectors(embedder, 2 * (50 * 4 + 200));
  await vectors.of([kept('ash'), kept('elm')]);
  vectors.clear();
  await vectors.of([kept('ash'), kept('elm')]);
  await vectors.of([kept('ash'), kept('elm')]);
  expect(embedder.calls.map((call) => call.texts)).toEqual([
    ['ash', 'elm'],
    ['ash', 'elm'],
  ]);
});

it('returns the vectors of a call that are more than can be kept', async () => {
  const embedder = new WordEmbedder();
  const vectorOf = await new KeptVectors(embedder, 0).of([kept('ash'), kept('elm')]);
  expect(vectorOf('ash', 'document')).toEqual(embedder.vectorOf('ash'));
});

it('refuses vectors that cannot be compared, and keeps none of them', async () => {
  const embedder = new WordEmbedder();
  const vectors = new KeptVectors(embedder);
  embedder.vectorOf = () => new Float32Array(64).fill(NaN);
  await expect(vectors.of([kept('ash')])).rejects.toThrow(expect.objectContaining({ code: 'BAD_REPLY' }));
  embedder.vectorOf = () => new Float32Array(64);
  await expect(vectors.of([kept('ash')])).rejects.toThrow('is zero');
});

it('computes the cosine whatever the lengths', () => {
  expect(cosine(Float32Array.of(3, 4), Float32Array.of(8, 6))).toBeCloseTo(0.96, 12);
});
