import { expect, it } from 'vitest';
import { shownName, shownReasoner } from './shown-name.ts';

it.each([
  ['bright:biology', 'bright:biology'],
  ['beir:/home/me/secret/nfcorpus', 'beir:nfcorpus'],
  ['beir:examples/collection', 'beir:examples/collection'],
  ['beir:../../home/me/nfcorpus', 'beir:nfcorpus'],
  ['hybrid:bm25+dense:onnx:./models/bge', 'hybrid:bm25+dense:onnx:bge'],
  ['log:C:\\logs\\queries.jsonl', 'log:queries.jsonl'],
  ['hybrid:bm25q+dense:onnx:/models/bge', 'hybrid:bm25q+dense:onnx:bge'],
  ['dense:openai:bge@http://10.0.0.1:80/v1+bm25', 'dense:openai:bge+bm25'],
])('a name such as %j is shown as %j', (name, shown) => {
  expect(shownName(name)).toBe(shown);
});

it.each([
  ['rm3', 'rm3'],
  ['llama:Org/Model', 'llama:Org/Model'],
  ['3*file:/data/reasoned.json', '3*file:reasoned.json'],
  ['openai:qr@http://a/v1,http://b/v1', 'openai:qr'],
  ['join:openai:qr@https://a/v1,rm3', 'join:openai:qr,rm3'],
  ['1000*rm3', '1000*rm3'],
])('a reasoner such as %j is shown as %j', (name, shown) => {
  expect(shownReasoner(name)).toBe(shown);
});
