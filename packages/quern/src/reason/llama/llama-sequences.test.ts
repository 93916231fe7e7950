import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { writeTinyCheckpoint } from '../../../test/tiny-checkpoint.ts';
import { convertToGguf } from '../../models/convert.ts';
import { loadLlama, type LoadedLlama } from '../../models/llama-runtime.ts';
import { chatTokensOf, type ChatTokens } from './chat-tokens.ts';
import { LlamaSequences } from './llama-sequences.ts';

const folder = temporaryFolder();
const count = 3;
const { signal } = new AbortController();
let llama: LoadedLlama;
let chat: ChatTokens;

beforeAll(async () => {
  await writeTinyCheckpoint(join(folder, 'checkpoint'));
  const out = join(folder, 'model.gguf');
  await convertToGguf(join(folder, 'checkpoint'), { type: 'f16', out });
  llama = await loadLlama(out, { sequences: count, contextTokens: 512, threads: 1 });
  chat = await chatTokensOf(llama.model);
});
afterAll(() => llama?.close());

it('sequences hold the same first tokens, which are evaluated once, and yield the same as one that evaluated them', async () => {
  const sequences = new LlamaSequences(llama.context, chat.prefix);
  const taken = await Promise.all(Array.from({ length: count }, () => sequences.take(signal)));
  const each = taken.map(({ sequence }) => sequence);
  expect(each.map(({ nextTokenIndex }) => nextTokenIndex)).toEqual(each.map(() => chat.prefix.length));
  const evaluated = each.map(({ tokenMeter }) => tokenMeter.usedInputTokens + tokenMeter.usedOutputTokens);
  expect(evaluated.toSorted((a, b) => a - b)).toEqual([0, 0, chat.prefix.length]);
  const rest = chat.of('why do cats purr').slice(chat.prefix.length);
  const probabilities: number[][] = [];
  for (const sequence of each) {
    const first = await sequence
      .evaluateWithMetadata(
        rest,
        { probabilities: true },
        // What is drawn may be the token that ends a turn, which is left out unless it is asked for.
        { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 1, yieldEogToken: true },
      )
      .next();
    probabilities.push([...(first.value?.probabilities.values() ?? [])]);
  }
  expect(probabilities[0].length).toBeGreaterThan(200);
  expect(probabilities[1]).toEqual(probabilities[0]);
  expect(probabilities[2]).toEqual(probabilities[0]);
  for (const { give } of taken) give();
  // Given back, one holds the first tokens alone again, without evaluating any.
  const { sequence: again, give } = await sequences.take(signal);
  const meter = again.tokenMeter.getState();
  expect(again.nextTokenIndex).toBe(chat.prefix.length);
  expect(again.tokenMeter.diff(meter)).toEqual({ usedInputTokens: 0, usedOutputTokens: 0 });
  give();
});
