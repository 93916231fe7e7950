import { expect, it } from 'vitest';
import { tinyBertConfig } from '../../../test/tiny-bert.ts';
import { parseBertConfig } from './bert-config.ts';

it.each([
  [{ model_type: 'roberta', architectures: ['RobertaModel'] }, 'UNSUPPORTED', /RobertaModel/],
  [{ is_decoder: true }, 'UNSUPPORTED', /is_decoder/],
  [{ position_embedding_type: 'relative_key' }, 'UNSUPPORTED', /relative_key/],
  [{ hidden_act: 'constructor' }, 'UNSUPPORTED', /hidden_act constructor/],
  [{ hidden_act: { toString: 1 } }, 'CORRUPT_FILE', /hidden_act is no text/],
  [{ model_type: { toString: 1 }, architectures: [{ toString: 1 }] }, 'UNSUPPORTED', /toString/],
  [{ num_attention_heads: 5 }, 'CORRUPT_FILE', /5 heads/],
])('a configuration with %j is refused', (changes, code, message) => {
  const parse = (): unknown => parseBertConfig({ ...tinyBertConfig, ...changes }, 'config.json');
  expect(parse).toThrow(expect.objectContaining({ code }));
  expect(parse).toThrow(message);
});
