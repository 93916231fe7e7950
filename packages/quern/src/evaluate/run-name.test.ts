import { expect, it } from 'vitest';
import { runName } from './run-name.ts';

it.each([
  ['none', [], 'bm25'],
  ['none', ['concat:1'], 'bm25'],
  ['rm3', [], 'bm25+rm3'],
  ['rm3', ['interpolate:0.5', 'join:rrf'], 'bm25+rm3/interpolate:0.5/join:rrf'],
  ['file:/some/folder/reasoned.json', [], 'bm25+reasoned.json'],
  ['file:reasoned.json', [], 'bm25+reasoned.json'],
  ['file:/a,b/c,d.json', [], 'bm25+c,d.json'],
  ['join:file:/a/x.json,3*file:/b/y.json,rm3', [], 'bm25+join:x.json,3*y.json,rm3'],
  ['3*llama:hub/model', [], 'bm25+3*llama:hub/model'],
  ['llama:/models/profile:a/model.gguf', [], 'bm25+llama:/models/profile:a/model.gguf'],
  ['file:/my folder/my file.json', [], 'bm25+my_file.json'],
])('a run of %s, %j is named %s', (reasoner, plan, name) => {
  expect(runName('bm25', reasoner, plan)).toBe(name);
});

it('tells of a model by its name alone', () => {
  expect(runName('dense:onnx:/models/all minilm', 'none', [])).toBe('dense:onnx:all_minilm');
  expect(runName('hybrid:bm25+query/dense:onnx:Xenova/minilm:q8', 'rm3', ['rrf'])).toBe(
    'hybrid:bm25+query/dense:onnx:minilm:q8+rm3/rrf',
  );
  expect(runName('dense:openai:m@http://h/v1', 'none', [])).toBe('dense:openai:m@http://h/v1');
});
