import { describe, expect, it } from 'vitest';
import { checkedSampling, publishedSampling } from './sampling.ts';

describe('sampling', () => {
  it('is the published one where nothing else is said', () => {
    expect(checkedSampling()).toEqual(publishedSampling);
    expect(checkedSampling({ temperature: 0 })).toEqual({ ...publishedSampling, temperature: 0 });
  });

  it.each([
    { temperature: -1 },
    { temperature: Number.NaN },
    { topP: 0 },
    { topP: 1.1 },
    { topK: 1.5 },
    { topK: -1 },
    { repetitionPenalty: 0 },
    { maxTokens: 0 },
    { maxTokens: Infinity },
  ])('refuses %o', (changes) => {
    const [name] = Object.keys(changes);
    expect(() => checkedSampling(changes)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(name) }),
    );
  });
});
