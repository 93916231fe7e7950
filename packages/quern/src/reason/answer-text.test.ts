import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerPlace, thoughtsOf } from './answer-text.ts';

/** The answer of a whole text; undefined where there is none. */
function answerOf(text: string): string | undefined {
  const place = answerPlace(text, { isWhole: true });
  return place && text.slice(place.start, place.end);
}

/** The answer of what has come of a text. */
function answerSoFar(text: string): string | undefined {
  const place = answerPlace(text);
  return place && text.slice(place.start, place.end);
}

describe('the answer of a completion', () => {
  it.each([
    ['after thoughts', '<think>\nLet me see.\n</think>\n\nRust is iron oxide.', 'Rust is iron oxide.'],
    ['after thoughts, in tags', '<think>Hm.</think> <answer>Rust.</answer>', 'Rust.'],
    ['in tags without thoughts', ' <answer> Rust.\n</answer>\n', 'Rust.\n'],
    ['in tags that the token limit left open', '<think>Hm.</think><answer>Rust is ir', 'Rust is ir'],
    ['after empty thoughts', '<think>\n\n</think>\n\nRust.', 'Rust.'],
    ['after thoughts in two blocks', '<think>a</think>\n<think>b</think>\nRust.', 'Rust.'],
    ['after thoughts that the prompt has opened', 'Let me see.\n</think>\n\nRust.', 'Rust.'],
    ['after those in one line', 'Let me see.</think> <answer>Rust.</answer>', 'Rust.'],
    ['after those that the text begins with closing', '</think>Rust.', 'Rust.'],
    ['after those that begin anew', '<think>Hm.</think>\n</think><think>So.</think>Rust.', 'Rust.'],
    ['after those that begin anew unopened', 'Hm.\n</think>\n<think>So.</think>Rust.', 'Rust.'],
    ['after those that are closed more than once', '<think>Hm.</think>\n</think> </think>Rust.', 'Rust.'],
    [
      'after thoughts that name the tags',
      '<think>I am to write <think>…</think> and <answer>…</answer>.\nWell.</think> <answer>Rust.</answer>',
      'Rust.',
    ],
    ['after thoughts that name one of them', '<think>Not <answer> yet.</think>Rust.', 'Rust.'],
  ])('lies %s', (_, text, answer) => {
    expect(answerOf(text)).toBe(answer);
  });

  it.each([
    'Rust is iron oxide.',
    ' \n with space around it \n',
    '',
    'Write `<think>` first and `</think>` then.',
    'A template that holds </think> somewhere in a line of its own text.',
    'It begins with:\n<think>\nthoughts\n</think>\n<answer>the answer</answer>',
    '<thinking about it>',
    'x < think',
    '<thin',
  ])('is the whole text where no thoughts are at its start: %j', (text) => {
    expect(answerOf(text)).toBe(text);
  });

  it.each([
    '<think>',
    '<think>Let me see',
    '<think>a</think>',
    '<think>a</think> \n',
    'a\n</think>\n',
    '</think> </think>',
  ])('is absent where the text ends with its thoughts: %j', (text) => {
    expect(answerOf(text)).toBeUndefined();
  });

  it('is absent where its tags are empty', () => {
    expect(answerOf('<think>a</think><answer></answer>')).toBeUndefined();
    expect(answerOf('<think>a</think><answer>')).toBeUndefined();
  });
});

describe('the answer of a text that still comes', () => {
  it.each(['', '  ', '<', '<thin', '<ans', '<think>so', '<think>so</think>', '<think>so</think>\n<answ'])(
    'has not begun: %j',
    (text) => {
      expect(answerSoFar(text)).toBeUndefined();
    },
  );

  it.each([
    ['<think>so</think><answer>Rust</answ', 'Rust'],
    ['<think>so</think><answer>Rust</answer> bye', 'Rust'],
    ['Rust', 'Rust'],
    ['Rust <b', 'Rust <b'],
    ['thoughts</thi', 'thoughts'],
    ['thoughts</think> <ans', 'thoughts'],
    ['Rust.\n</think>\nIron', 'Iron'],
  ])('is what cannot be part of a tag: %j', (text, answer) => {
    expect(answerSoFar(text)).toBe(answer);
  });

  it('only ever grows, and into the answer of the whole', () => {
    const part = fc.constantFrom(
      '<think>',
      '</think>',
      '<answer>',
      '</answer>',
      '<',
      '</',
      'think>',
      'so ',
      'Rust',
      '\n',
      ' ',
      '`',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        // Thoughts that the prompt has opened pass for the answer until they end.
        fc.pre(!/^(?:(?!<think>)[^])*<\/think>/.test(text));
        const lengths = Array.from({ length: text.length + 1 }, (_, length) => length);
        const places = lengths.flatMap((length) => answerPlace(text.slice(0, length)) ?? []);
        const whole = answerPlace(text, { isWhole: true });
        // What is held back as a tag's beginning may be the whole of an answer.
        const all = whole ? [...places, whole] : places.filter(({ start, end }) => end > start);
        expect(new Set(all.map(({ start }) => start)).size).toBeLessThanOrEqual(1);
        expect(all.map(({ end }) => end)).toEqual(all.map(({ end }) => end).toSorted((a, b) => a - b));
        expect(all.every(({ start, end }) => start <= end && end <= text.length)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the thoughts before an answer', () => {
  it.each([
    ['<think>\nLet me see.\n</think>\n\n', 'Let me see.'],
    ['Let me see.</think> <answer>', 'Let me see.'],
    ['<think>a</think><answer>\n', 'a'],
    ['<think>\n</think>\n', ''],
    ['<think>a</think>\n</think> <answer>', 'a'],
    ['</think> </think>', ''],
    ['<answer>', ''],
    ['', ''],
    ['<think>still', 'still'],
  ])('are without their tags: %j', (text, thoughts) => {
    expect(thoughtsOf(text)).toBe(thoughts);
  });
});
