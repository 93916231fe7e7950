/** How well the estimate of tokens, which needs no model, agrees with a real vocabulary. */
import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import { describe, expect, it } from 'vitest';
import { RecordedReasoner } from '../src/reason/recorded.ts';
import { tokenEstimate } from '../src/search/token-estimate.ts';
import { dataPath, sharedData } from './shared-data.ts';

function parsedJson(path: string): object {
  return JSON.parse(readFileSync(dataPath(path), 'utf8')) as object;
}

describe.skipIf(sharedData === undefined)("the estimate of tokens, beside Qwen's tokenizer", () => {
  it.each(['textbooks/reasoned.json', 'bright/reasoned/TongSearch-QR-7B.json.gz'])(
    'is near its count on the texts of %s',
    async (path) => {
      const { texts } = await RecordedReasoner.open(dataPath(path));
      const tokenizer = new Tokenizer(
        parsedJson('tokenizers/qwen2/tokenizer.json'),
        parsedJson('tokenizers/qwen2/tokenizer_config.json'),
      );
      const counts = texts.slice(0, 200).map((text) => ({
        estimate: tokenEstimate(text),
        tokens: tokenizer.encode(text).ids.length,
      }));
      const ratio =
        counts.reduce((sum, { estimate }) => sum + estimate, 0) /
        counts.reduce((sum, { tokens }) => sum + tokens, 0);
      expect(ratio).toBeGreaterThan(0.8);
      expect(ratio).toBeLessThan(1.1);
      for (const { estimate, tokens } of counts) {
        expect(estimate / tokens).toBeGreaterThan(0.35);
        expect(estimate / tokens).toBeLessThan(1.3);
      }
    },
  );
});
