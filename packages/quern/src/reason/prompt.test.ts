import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { promptedQuery, userPrompt } from './prompt.ts';

describe('the query of a prompt', () => {
  it('is the very query that the prompt was made for, whatever it holds', () => {
    assert(property(string({ unit: 'grapheme' }), (query) => promptedQuery(userPrompt(query)) === query));
    for (const query of ['', '\n', 'a\n\n', userPrompt('b')])
      expect(promptedQuery(userPrompt(query))).toBe(query);
  });

  it('makes the same prompt again where passages follow it', () => {
    const prompt = userPrompt('why', ['a passage', 'another\n\none']);
    expect(userPrompt(promptedQuery(prompt)!)).toBe(prompt);
  });

  it('is none of another text, and its rest where the end was trimmed', () => {
    for (const text of ['', 'why', 'Instructions:\n1. Do it.\nQuery: why\n\n']) {
      expect(promptedQuery(text)).toBeUndefined();
    }
    expect(promptedQuery(userPrompt('why').trimEnd())).toBe('why');
  });
});
