import { describe, expect, it } from 'vitest';
import { ProtectedTexts } from './protected-texts.ts';

const query =
  'Why do insects gather around lights at night, although the lamps that they gather around are cold and give them nothing to eat? I have seen this with moths, beetles and lacewings alike.';
const words = query.match(/[A-Za-z]+/g)!;

function guarding(...texts: readonly string[]): ProtectedTexts {
  const guard = new ProtectedTexts();
  for (const [i, text] of texts.entries()) guard.add({ id: `bright:biology/${i} (query)`, text });
  return guard;
}

describe('a text shares a run of words', () => {
  const guard = guarding('Some other question about the tides and the moon that nobody asks.', query);

  it.each([13, 14, 20])('from 13 words on: %i', (count) => {
    const found = guard.sharedRun(
      `We once read: ${words
        .slice(3, 3 + count)
        .join(', ')
        .toUpperCase()}… so far.`,
    );
    expect(found).toMatchObject({ reason: 'shares a run of words', like: 'bright:biology/1 (query)' });
    expect(found?.detail).toBe(words.slice(3, 16).join(' ').toLowerCase());
  });

  it('not with 12, nor with 13 that are out of order', () => {
    expect(guard.sharedRun(`So: ${words.slice(3, 15).join(' ')} or not`)).toBeUndefined();
    const swapped = words.slice(3, 16);
    [swapped[5], swapped[6]] = [swapped[6], swapped[5]];
    expect(guard.sharedRun(`So: ${swapped.join(' ')} or not`)).toBeUndefined();
  });

  it('wherever it stands in a long text', () => {
    const filler = Array.from({ length: 5000 }, (_, i) => `filler${i}`).join(' ');
    for (const text of [
      `${words.slice(0, 13).join(' ')} ${filler}`,
      `${filler} ${words.slice(-13).join(' ')}`,
    ]) {
      expect(guard.sharedRun(text)?.like).toBe('bright:biology/1 (query)');
    }
  });

  it('not by numbers that any table has', () => {
    const matrix = guarding(
      'Given the matrix 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1 find its inverse by the method of Gauss and Jordan',
    );
    expect(matrix.sharedRun('my table: 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1 and so on')).toBeUndefined();
  });

  it('of a protected text that is shorter, all of it, from six words on', () => {
    const short = guarding('How do small birds keep warm in winter?', 'Why is it blue?');
    expect(
      short.sharedRun('My cat asks: how do small BIRDS keep warm in winter, and so do I.'),
    ).toMatchObject({
      reason: 'shares a run of words',
      detail: 'how do small birds keep warm in winter',
    });
    expect(short.sharedRun('How do small birds keep cool in winter?')).toBeUndefined();
    expect(short.sharedRun('why is it BLUE')).toMatchObject({ reason: 'same words as a protected text' });
    expect(short.sharedRun('Why is it blue at noon?')).toBeUndefined();
    expect(
      short.alike('Why is it blue?\n\nI wonder every day and find no answer.', 'Why is it blue?'),
    ).toMatchObject({
      reason: 'same words as a protected text',
    });
  });

  it('however long the text, and whatever stands unseen in it', () => {
    const run = words.slice(0, 13);
    const filler = 'filler '.repeat(30_000);
    for (const text of [
      `${filler}${run.join(' ')}`,
      run.join('\u00ad ').replace('insects', 'in\u200bsects'),
      run.join(' ').replace('do', 'ｄｏ'),
    ]) {
      expect(guard.sharedRun(text)?.like).toBe('bright:biology/1 (query)');
    }
  });
});

describe('a question is like a protected text', () => {
  const guard = guarding(query);

  it('when a good part of both is the same', () => {
    const changed = words.map((word, i) => (i % 11 === 10 ? `${word}ish` : word)).join(' ');
    expect(guard.sharedRun(changed)).toBeUndefined();
    const found = guard.alike(changed);
    expect(found).toMatchObject({ reason: 'like a protected text', like: 'bright:biology/0 (query)' });
    expect(found!.similarity).toBeGreaterThanOrEqual(0.5);
  });

  it('when it holds one among words of its own', () => {
    const changed = words.map((word, i) => (i % 11 === 10 ? `${word}ish` : word)).join(' ');
    const own = Array.from({ length: 100 }, (_, i) => `own${i}`).join(' ');
    expect(guard.alike(`${changed} ${own}`)?.like).toBe('bright:biology/0 (query)');
  });

  it('not when it is of the same matter only', () => {
    expect(
      guard.alike('What makes moths fly to a cold lamp at night rather than to the moon or to food?'),
    ).toBeUndefined();
    expect(guard.alike('')).toBeUndefined();
  });
});

it('words of scripts without spaces count as well', () => {
  const chinese = '为什么昆虫在夜里聚集在灯光周围而不是飞向月亮或者食物';
  expect(guarding(chinese).sharedRun(`他问${chinese.slice(2, 20)}吗`)?.reason).toBe('shares a run of words');
});
