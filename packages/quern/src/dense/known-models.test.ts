import { expect, it } from 'vitest';
import { knownModel, knownModels } from './known-models.ts';

it.each([
  ['BAAI/bge-base-en-v1.5', { pooling: 'cls', maxTokens: 512 }],
  [
    'models/bge-small-en-v1.5',
    { queryInstruction: 'Represent this sentence for searching relevant passages: ' },
  ],
  ['sentence-transformers/all-MiniLM-L6-v2', { pooling: 'mean', queryInstruction: '' }],
  ['intfloat/e5-base-v2', { queryInstruction: 'query: ', documentInstruction: 'passage: ' }],
  ['Qwen/Qwen3-Embedding-0.6B', { pooling: 'last', documentInstruction: '' }],
  ['C:\\models\\Qwen3-Embedding-8B-Q8_0.gguf', { pooling: 'last' }],
  ['reasonir/ReasonIR-8B', { pooling: 'mean', poolsInstruction: false }],
])('%s is known', (name, settings) => {
  expect(knownModel([name])?.settings).toMatchObject(settings);
});

it.each([
  'somebody/bge-base-zh',
  'intfloat/e5-mistral-7b-instruct',
  'Qwen/Qwen3-Reranker-0.6B',
  'bge-base-en-v1.5/other',
  '',
])('%s is not known', (name) => {
  expect(knownModel([name])).toBeUndefined();
});

it('each says where its values are from', () => {
  expect(knownModels.every(({ source }) => /huggingface\.co|arxiv/i.test(source))).toBe(true);
});
